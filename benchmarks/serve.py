"""Speed of serving, beside the bare encoder and beside the service a tutorial builds, interleaved in one run.

p50_ratio_to_bare   one message over HTTP, one at a time, against the bare ONNX encode of the same message (medians)
rps_ratio_to_plain  distinct messages a second at 16 clients, against the plain service


python benchmarks/serve.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv
"""

import argparse
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from home import temporary_home
from load import Client, post_all

from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.learning.training.rounding import Rounding
from helpdesk.matching.bundle import ENCODER
from helpdesk.matching.encoder import Encoder
from helpdesk.records.database import Database
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.versions import current
from helpdesk.server import gunicorn_arguments
from helpdesk.settings import Settings
from helpdesk.text import normalise

CLIENTS = 16
ONE_BY_ONE = 250
AT_ONCE = 700


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=arguments.seed)
    rows = read_labelled(arguments.train)
    with temporary_home(rows, port=free_port(), seed=arguments.seed) as (settings, database):
        result = measure(settings, database, texts, rounds=arguments.rounds)
    result |= {"train": arguments.train.name, "test": arguments.test.name, "phrasings": len(rows)}
    print(json.dumps(result) if arguments.json else as_table(result))


def measure(settings: Settings, database: Database, texts: Iterator[str], *, rounds: int) -> dict[str, Any]:
    """Interleave bare encoder, helpdesk and the plain service; medians over the rounds."""
    with database.read() as session:
        serving = current(session)
    if serving is None:
        raise RuntimeError("no version was built")
    bundle = settings.bundles / serving.directory
    bare = in_blocks(bundle / ENCODER, settings)
    plain_port = free_port()
    figures: dict[str, list[float]] = {}
    with helpdesk_service(settings) as ours, plain_service(bundle, plain_port):
        for _ in range(rounds):
            single = _take(texts, ONE_BY_ONE)
            for name, value in one_by_one(bare, {"helpdesk": settings.port, "plain": plain_port}, single).items():
                _note(figures, f"{name}_p50_ms", value)
            many = _take(texts, AT_ONCE)
            _note(figures, "helpdesk_rps", post_all(settings.port, many, clients=CLIENTS).rps)
            _note(figures, "plain_rps", post_all(plain_port, many, clients=CLIENTS).rps)
        memory = worker_memory(ours)
    ratios = zip(figures["helpdesk_p50_ms"], figures["bare_p50_ms"], strict=True)
    rates = zip(figures["helpdesk_rps"], figures["plain_rps"], strict=True)
    return {
        "p50_ratio_to_bare": round(statistics.median(a / b for a, b in ratios), 3),
        "rps_ratio_to_plain": round(statistics.median(a / b for a, b in rates), 3),
        **{name: round(statistics.median(values), 2) for name, values in figures.items()},
        "worker_memory_mb": round(memory, 1),
        "rounds": rounds,
        "workers": settings.workers,
        "threads": settings.threads,
    }


def in_blocks(encoder: Path, settings: Settings) -> Encoder:
    """The same weights in 8-bit blocks, whatever the version serves: the yardstick stays what it was."""
    folder = settings.home / "in-blocks"
    base = load_base(str(encoder), threads=settings.train_threads)
    save_serving_files(base, folder, rounding=Rounding.BLOCKS)
    return Encoder(folder, threads=settings.encoder_threads)


def one_by_one(encoder: Encoder, ports: dict[str, int], texts: Sequence[str]) -> dict[str, float]:
    """Median milliseconds of each message's bare encode and of posting it to each service.

    The three take turns message by message, so that each meets the same machine, and caches that others just used.
    """
    encoder.encode(["warm up"])
    times: dict[str, list[float]] = {name: [] for name in ("bare", *ports)}
    clients = {name: Client(port) for name, port in ports.items()}
    for text in texts:
        started = time.perf_counter()
        encoder.encode([normalise(text)])
        times["bare"].append((time.perf_counter() - started) * 1000)
        for name, client in clients.items():
            times[name].append(client.post(text))
    for client in clients.values():
        client.close()
    return {name: statistics.median(values) for name, values in times.items()}


def distinct_texts(texts: Sequence[str], *, seed: int) -> Iterator[str]:
    """Endless texts that were not sent before: the test messages, then pairs of halves of them."""
    chance = random.Random(seed)
    order = chance.sample(list(texts), len(texts))
    yield from dict.fromkeys(order)
    while True:
        first, second = chance.sample(order, 2)
        yield f"{first[: len(first) // 2]} {second[len(second) // 2 :]} {chance.random():.6f}"


def worker_memory(server: "subprocess.Popen[bytes]") -> float:
    """Resident megabytes of the largest worker."""
    workers = psutil.Process(server.pid).children(recursive=True)
    return float(max(worker.memory_info().rss for worker in workers)) / 1e6


@contextmanager
def helpdesk_service(settings: Settings) -> "Iterator[subprocess.Popen[bytes]]":
    """Ours, by the same arguments as `helpdesk serve`."""
    environment = {"HELPDESK_HOME": str(settings.home), "HELPDESK_PORT": str(settings.port)}
    with _server(gunicorn_arguments(settings), environment, f"http://127.0.0.1:{settings.port}/readyz") as process:
        yield process


@contextmanager
def plain_service(bundle: Path, port: int) -> "Iterator[subprocess.Popen[bytes]]":
    """The tutorial's, at its best setting on two cores."""
    arguments = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--worker-class", "sync", "--timeout", "120"]
    arguments += ["--chdir", str(Path(__file__).parent), "plain_service:application"]
    with _server(arguments, {"PLAIN_HOME": str(bundle)}, f"http://127.0.0.1:{port}/") as process:
        yield process


@contextmanager
def _server(arguments: Sequence[str], environment: dict[str, str], probe: str) -> "Iterator[subprocess.Popen[bytes]]":
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--log-level", "error", *arguments],
        env=os.environ | one_thread | environment,
    )
    try:
        _wait_for(probe)
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait_for(url: str) -> None:
    """Until both workers had time to load: ten answers in a row."""
    answers = 0
    for _ in range(600):
        try:
            urllib.request.urlopen(url, timeout=5).close()
            answers += 1
        except urllib.error.HTTPError as error:
            answers = answers + 1 if error.code == 404 else 0
        except OSError:
            answers = 0
        if answers >= 20:
            return
        time.sleep(0.2)
    raise RuntimeError(f"{url} did not come up")


def _take(texts: Iterator[str], count: int) -> list[str]:
    return [next(texts) for _ in range(count)]


def _note(figures: dict[str, list[float]], name: str, value: float) -> None:
    figures.setdefault(name, []).append(value)
    print(f"{name} {value:.2f}", file=sys.stderr)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def as_table(result: dict[str, Any]) -> str:
    """One line a figure."""
    return "\n".join(f"{name:<20} {value}" for name, value in result.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
