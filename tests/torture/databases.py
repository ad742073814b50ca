"""A database that is frozen, stopped, away at the start, or locked by another writer, under load."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2 as httpx

from torture.stage import Stage
from torture.traffic import Traffic
from torture.worlds import TAUGHT, Service, wait_for

BACK_SECONDS = 5.0
OVER = 1.0  # seconds beyond the setting that a request may take
PAGES = ("/livez", "/readyz", "/api/v1/faqs", "/login")
WAL_MOST = 32 << 20  # bytes
MESSAGES = 100


def freeze_server(stage: Stage) -> None:
    """SIGSTOP of PostgreSQL and all of its processes: every request ends in time, and all is well after SIGCONT."""
    assert stage.world.postgres is not None
    bound = stage.world.settings.database_timeout + OVER
    with stage.traffic(clients=2) as (service, load):
        for _ in stage.rounds():
            with stage.world.postgres.frozen():
                began = time.monotonic()
                with ThreadPoolExecutor(len(PAGES)) as pool:
                    list(pool.map(lambda path: service.status(path), PAGES))
                stage.outcome.took("pages while it was frozen", time.monotonic() - began, most=bound)
                time.sleep(stage.chance.uniform(1.0, 4.0))
                back = time.monotonic()
            stage.outcome.took("back and answering", _answering(service, load, back), most=BACK_SECONDS)
    stage.outcome.took("slowest message", max(t.ended - t.started for t in load.tries), most=bound)


def restart_server(stage: Stage) -> None:
    """PostgreSQL crashes and is started again, or ends every connection, in turn."""
    assert stage.world.postgres is not None
    with stage.traffic(clients=2) as (service, load):
        for number in stage.rounds():
            time.sleep(stage.chance.uniform(0.2, 1.0))
            if number % 2:
                stage.world.postgres.terminate_connections()
            else:
                with stage.world.postgres.stopped():
                    time.sleep(stage.chance.uniform(0.2, 2.0))
                    stage.outcome.expect(service.status("/readyz") == 503, "ready without a database")
            stage.outcome.took("back and answering", _answering(service, load, time.monotonic()), most=BACK_SECONDS)


def start_without_server(stage: Stage) -> None:
    """PostgreSQL is not there when the service starts, and comes later."""
    assert stage.world.postgres is not None
    for _ in stage.rounds():
        with stage.world.postgres.stopped():
            service = Service(stage.world)
            wait_for(partial(_lives_or_ended, service))
            if service.process.poll() is not None:
                stage.outcome.problems.append("`helpdesk serve` ends when its database is not there")
                return
            stage.outcome.expect(service.status("/readyz") == 503, "ready without a database")
            body = {"sender": "early", "message": TAUGHT[0]}
            told = httpx.post(f"{service.url}/webhooks/rest/webhook", json=body, timeout=30)
            stage.outcome.expect(told.status_code == 503 and "Retry-After" in told.headers, f"{told.status_code} early")
            pids = {worker.pid for worker in service.workers()}
        try:
            stage.outcome.took("back and ready", wait_for(partial(_is, service, "/readyz")), most=BACK_SECONDS)
            stage.outcome.expect(pids == {worker.pid for worker in service.workers()}, "workers were started anew")
        finally:
            service.stop()


def lock_file(stage: Stage) -> None:
    """Another program holds SQLite's write lock for 1, 6 and 30 seconds, in turn: messages wait, then get a 503."""
    bound = stage.world.settings.database_timeout + OVER
    with stage.traffic(clients=2) as (service, load):
        for number in stage.rounds():
            time.sleep(0.5)
            with _writing(_file(stage)):
                time.sleep((1, 6, 30)[number % 3])
            stage.outcome.took("back and answering", _answering(service, load, time.monotonic()), most=BACK_SECONDS)
    stage.outcome.took("slowest message", max(t.ended - t.started for t in load.tries), most=bound)


def read_long(stage: Stage) -> None:
    """Another program reads all along, so that the write-ahead log cannot be emptied; afterwards it is used again."""
    wal = _file(stage).with_name("helpdesk.db-wal")
    with stage.traffic() as (_, load):
        for _ in stage.rounds():
            with _reading(_file(stage)):
                sent = len(load.tries)
                while len(load.tries) < sent + MESSAGES:
                    time.sleep(0.1)
                stage.outcome.note("largest write-ahead log beside a reader, MB", wal.stat().st_size / 1e6)
            size, sent = wal.stat().st_size, len(load.tries)
            while len(load.tries) < sent + MESSAGES:
                time.sleep(0.1)
            stage.outcome.expect(
                wal.stat().st_size < size + 4e6, "the write-ahead log goes on growing without a reader"
            )
    stage.outcome.expect(wal.stat().st_size < WAL_MOST if wal.exists() else True, "the write-ahead log is too large")


def _answering(service: Service, load: Traffic, moment: float) -> float:
    """Seconds from a moment to the first answer after it."""
    service.wait_for(lambda: any(t.status == 200 and t.ended > moment for t in load.tries[-50:]))
    return min(t.ended for t in load.tries if t.status == 200 and t.ended > moment) - moment


def _lives_or_ended(service: Service) -> bool:
    return service.process.poll() is not None or _is(service, "/livez")


def _is(service: Service, path: str) -> bool:
    return service.status(path) == 200


def _file(stage: Stage) -> Path:
    return stage.world.settings.home / "helpdesk.db"


@contextmanager
def _writing(file: Path) -> Iterator[None]:
    holder = sqlite3.connect(file, isolation_level=None, timeout=30)
    holder.execute("BEGIN IMMEDIATE")
    yield
    holder.rollback()
    holder.close()


@contextmanager
def _reading(file: Path) -> Iterator[None]:
    reader = sqlite3.connect(file, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM messages").fetchone()
    yield
    reader.rollback()
    reader.close()
