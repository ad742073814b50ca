"""What happens to a database while it is in use: it goes, fills up, is locked, or is damaged."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine, event

from helpdesk.serving.chat_service import ChatService


@contextmanager
def gone(app: Flask, file: Path) -> Iterator[None]:
    """A folder lies where the database was."""
    _service(app).database.close()
    file.rename(file.with_suffix(".gone"))
    file.mkdir()
    yield


@contextmanager
def full(app: Flask, file: Path) -> Iterator[None]:
    """Not one page more, for whatever connects from now on."""
    service = _service(app)
    service.database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("VACUUM")
        (pages,) = connection.execute("PRAGMA page_count").fetchone()

    def limit(connection: sqlite3.Connection, record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    for engine in (service.database.engine, _probing(service)):
        event.listen(engine, "connect", limit)
    yield


@contextmanager
def locked(app: Flask, file: Path) -> Iterator[None]:
    """Somebody else writes and does not end."""
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    yield
    holder.rollback()
    holder.close()


@contextmanager
def damaged(app: Flask, file: Path) -> Iterator[None]:
    """Other bytes than before, from the second page on."""
    service = _service(app)
    service.database.close()
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    raw = bytearray(file.read_bytes())
    raw[100:] = b"\xa5" * (len(raw) - 100)
    file.write_bytes(raw)
    yield


FAULTS: dict[str, Callable[[Flask, Path], AbstractContextManager[None]]] = {
    "gone": gone,
    "full": full,
    "locked": locked,
    "damaged": damaged,
}


def _service(app: Flask) -> ChatService:
    found: ChatService = app.extensions["helpdesk"]
    return found


def _probing(service: ChatService) -> Engine:
    return service.readiness.database.engine
