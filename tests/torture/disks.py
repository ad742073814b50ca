"""A disk that is full or can only be read, beneath the home, with messages and a night on it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from torture.stage import Stage
from torture.traffic import Traffic
from torture.trainers import REFRESH, start, teach, untidy
from torture.worlds import Service, World, served

BACK_SECONDS = 5.0
SIZE = 80 << 20
NEEDS_ROOT = "needs the right to mount a small file system"


def fill_disk(stage: Stage) -> None:
    """Not a byte is left while messages come in and a night runs; then there is room again."""
    with _small_disk(stage) as world:
        if world is None:
            return
        with replace(stage, world=world).traffic(clients=2) as (service, load):
            for number in stage.rounds():
                teach(world, number)
                with _full(world.settings.home):
                    service.wait_for(lambda: any(t.status == 503 for t in load.tries[-5:]))
                    _look_whether_ready(stage, service, load)
                    night = start(world, stage.folder, *REFRESH)
                    _, complaints = night.communicate(timeout=600)
                    stage.outcome.expect(night.returncode == 1, f"a night on a full disk ended with {night.returncode}")
                    said = complaints.splitlines()[-1:]
                    stage.outcome.expect(said[0].startswith("helpdesk: ") if said else False, f"a night said {said}")
                    stage.outcome.expect("Traceback" not in complaints, complaints[-300:])
                back = time.monotonic()
                service.wait_for(lambda back=back: any(t.status == 200 and t.started > back for t in load.tries[-50:]))  # type: ignore[misc]
                first = min(t.ended for t in load.tries if t.status == 200 and t.started > back)
                stage.outcome.took("freed and storing", first - back, most=BACK_SECONDS)
        night = start(world, stage.folder, *REFRESH)
        _, complaints = night.communicate(timeout=600)
        stage.outcome.expect(night.returncode in (0, 10), f"the night after it failed: {complaints[-300:]}")
        stage.outcome.problems += untidy(world)  # a lease that could not be given back is taken over by that night


def _look_whether_ready(stage: Stage, service: Service, load: Traffic) -> None:
    """Whoever says that messages can be stored stores one: SQLite may have found room in its own files."""
    asked = time.monotonic()
    if service.status("/readyz") == 200:
        time.sleep(5)
        stored = any(t.status == 200 and t.ended > asked - 1 for t in load.tries)
        stage.outcome.expect(stored, "ready on a full disk")


def read_only_disk(stage: Stage) -> None:
    """The service starts on a disk that can only be read: it answers or says 503, and its workers live on; then it can
    be written again."""
    with _small_disk(stage) as world:
        if world is None:
            return
        mount = world.settings.home.parent
        for _ in stage.rounds():
            _run("mount", "-o", "remount,ro", str(mount))
            try:
                with served(world, ready=False) as service:
                    service.wait_for(lambda: service.status("/livez") == 200)
                    pids = {worker.pid for worker in service.workers()}
                    seen = {service.status(path) for path in ("/readyz", "/api/v1/faqs", "/login", "/desk")}
                    stage.outcome.expect(seen <= {200, 302, 303, 503}, f"statuses {seen}")
                    stage.outcome.expect(service.status("/readyz") == 503, "ready though nothing can be stored")
                    time.sleep(3)
                    stage.outcome.expect(pids == {w.pid for w in service.workers()}, "workers were started anew")
                    _run("mount", "-o", "remount,rw", str(mount))
                    took = service.wait_for(lambda: service.status("/readyz") == 200)
                    stage.outcome.took("writable and ready", took, most=BACK_SECONDS)
            finally:
                _run("mount", "-o", "remount,rw", str(mount))


@contextmanager
def _small_disk(stage: Stage) -> Iterator[World | None]:
    """The world's home on a small file system of its own; None, and the reason noted, where none can be made."""
    mount = stage.folder / "small-disk"
    mount.mkdir(exist_ok=True)
    if os.geteuid() != 0 or subprocess.call(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mount)], stderr=subprocess.DEVNULL
    ):
        stage.outcome.left_out = NEEDS_ROOT
        yield None
        return
    try:
        home = mount / "home"
        shutil.copytree(stage.world.settings.home, home)
        settings = stage.world.settings.model_copy(update={"home": home})
        environment = stage.world.environment | {"HELPDESK_HOME": str(home)}
        yield replace(stage.world, settings=settings, environment=environment)
    finally:
        _run("umount", "-l", str(mount))
        mount.rmdir()


@contextmanager
def _full(folder: Path) -> Iterator[None]:
    """Every byte of its file system is taken."""
    ballast = folder.parent / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"x" * size)
            except OSError:
                size //= 2
    try:
        yield
    finally:
        ballast.unlink()


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
