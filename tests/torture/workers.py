"""Web workers that are killed, or run out of memory, under load."""

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import psutil

from torture.stage import Stage

CAPACITY_SECONDS = 10.0
CGROUPS = Path("/sys/fs/cgroup/memory")
MORE_MEMORY = 256 << 10  # bytes a worker may still take: what it has does not count in a new group
LONG = "the printer on the third floor does not print anything today " * 30


def kill_workers(stage: Stage) -> None:
    """kill -9 of either worker at a random moment; the next one when both answer again."""
    with stage.traffic() as (service, load):
        for _ in stage.rounds():
            time.sleep(stage.chance.uniform(0.2, 1.5))
            victim = stage.chance.choice(service.workers())
            killed = time.monotonic()
            victim.kill()
            took = service.wait_for(lambda pid=victim.pid: service.is_whole(without=pid))  # type: ignore[misc]
            stage.outcome.took("two workers again", took, most=CAPACITY_SECONDS)
            later = [t for t in load.tries if t.status == 0 and t.started > killed + took]
            stage.outcome.expect(not later, f"{len(later)} requests failed after the worker was back")


def exhaust_memory(stage: Stage) -> None:
    """The kernel ends a worker whose control group has no memory left; the other one answers."""
    if not _can_limit():
        stage.outcome.left_out = "needs the right to make a memory control group"
        return
    with stage.traffic(clients=2) as (service, _):
        for _ in stage.rounds():
            victim = stage.chance.choice(service.workers())
            with _limited(victim.pid, MORE_MEMORY):
                _use_memory(service.url, victim)
                stage.outcome.expect(not _lives(victim), "the kernel did not end it")
            took = service.wait_for(lambda pid=victim.pid: service.is_whole(without=pid))  # type: ignore[misc]
            stage.outcome.took("two workers again", took, most=CAPACITY_SECONDS)


def _can_limit() -> bool:
    probe = CGROUPS / "helpdesk-torture-probe"
    try:
        probe.mkdir()
    except OSError:
        return False
    probe.rmdir()
    return True


@contextlib.contextmanager
def _limited(pid: int, size: int) -> Iterator[None]:
    group = CGROUPS / f"helpdesk-torture-{pid}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(size))
        (group / "cgroup.procs").write_text(str(pid))
        yield
    finally:
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.1)


def _lives(worker: psutil.Process) -> bool:
    return bool(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE)


def _use_memory(url: str, worker: psutil.Process) -> None:
    """Batches of long texts until the worker is gone."""
    for number in range(200):
        if not _lives(worker):
            return
        with contextlib.suppress(httpx.HTTPError):
            texts = [f"{number} {n} {LONG}"[:2000] for n in range(256)]
            httpx.post(f"{url}/api/v1/match/batch", json={"texts": texts}, timeout=60)
