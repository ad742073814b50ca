"""The services that are measured, each a process of its own: ours as `helpdesk serve` starts it, and the plain one."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from accuracy import Rows
from systems import ENCODER, RIVALS, interpreter

from helpdesk.learning.training.base_model import resolve_base
from helpdesk.server import gunicorn_arguments
from helpdesk.settings import Settings

Process = subprocess.Popen[bytes]
_ANSWERS = 20  # in a row, so that every worker had time to load


@contextmanager
def helpdesk_service(settings: Settings) -> Iterator[Process]:
    """Ours, by the same arguments as `helpdesk serve`."""
    environment = {"HELPDESK_HOME": str(settings.home), "HELPDESK_PORT": str(settings.port)}
    if settings.tenants is not None:
        environment["HELPDESK_TENANTS"] = str(settings.tenants)
    with gunicorn(gunicorn_arguments(settings), environment, f"http://127.0.0.1:{settings.port}/readyz") as process:
        yield process


@contextmanager
def plain_service(bundle: Path, port: int) -> Iterator[Process]:
    """The tutorial's, at its best setting on two cores."""
    arguments = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--worker-class", "sync", "--timeout", "120"]
    arguments += ["--chdir", str(Path(__file__).parent), "plain_service:application"]
    with gunicorn(arguments, {"PLAIN_HOME": str(bundle)}, f"http://127.0.0.1:{port}/") as process:
        yield process


@contextmanager
def rival_service(name: str, rows: Rows, port: int, *, envs: Path) -> Iterator[Process]:
    """Another system behind Flask with the packaged encoder, at the plain service's setting; it learns the rows first.

    Its environment is made the first time.
    """
    arguments = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--worker-class", "sync", "--timeout", "120"]
    arguments += ["--preload", "--chdir", str(RIVALS), "behind_flask:application"]
    python = interpreter(name, envs, served=True)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "job.json"
        file.write_text(
            json.dumps({"train": rows, "test": [], "model": resolve_base(ENCODER), "seed": 0, "threads": 1})
        )
        environment = {"RIVAL": name, "RIVAL_JOB": str(file), "PYTHONPATH": "", "HF_HUB_OFFLINE": "1"}
        with gunicorn(arguments, environment, f"http://127.0.0.1:{port}/", python=python) as process:
            yield process


def processor_seconds(process: Process) -> float:
    """Processor time that a service and its workers have used so far."""
    return float(sum(used.user + used.system for used in (one.cpu_times() for one in family(process))))


def worker_memory(process: Process) -> float:
    """Resident megabytes of the largest worker."""
    return float(max(worker.memory_info().rss for worker in family(process)[1:])) / 1e6


def family(process: Process) -> list[psutil.Process]:
    """A service and its workers."""
    main = psutil.Process(process.pid)
    return [main, *main.children(recursive=True)]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def gunicorn(
    arguments: Sequence[str], environment: dict[str, str], probe: str, *, python: Path = Path(sys.executable)
) -> Iterator[Process]:
    """A service of gunicorn, once every worker of it answers."""
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [str(python), "-m", "gunicorn", "--log-level", "error", *arguments],
        env=os.environ | one_thread | environment,
    )
    try:
        _wait_for(probe, process)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(url: str, process: Process) -> None:
    answers = 0
    for _ in range(1500):
        if process.poll() is not None:
            break
        try:
            urllib.request.urlopen(url, timeout=5).close()
            answers += 1
        except urllib.error.HTTPError as error:
            answers = answers + 1 if error.code == 404 else 0
        except OSError:
            answers = 0
        if answers >= _ANSWERS:
            return
        time.sleep(0.2)
    raise RuntimeError(f"{url} did not come up")
