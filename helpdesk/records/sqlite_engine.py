"""The engine over an SQLite file: its pragmas, its transactions, and the file itself."""

from collections.abc import Callable
from pathlib import Path
from sqlite3 import Connection as SqliteConnection
from sqlite3 import OperationalError as SqliteOperationalError
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from helpdesk.records.database_errors import FILE_GONE
from helpdesk.settings import Settings


def sqlite_engine(settings: Settings, *, json_serializer: Callable[[object], str]) -> Engine:
    """An engine over the SQLite file of the settings. Nothing is connected yet."""
    engine = create_engine(
        settings.database,
        hide_parameters=True,
        json_serializer=json_serializer,
        connect_args={"timeout": settings.database_timeout},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: SqliteConnection, record: object) -> None:
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {settings.sqlite_synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten, not left in free pages

    _follow_the_file(engine)

    # A deferred transaction that turns into a write fails at once when another one writes, whatever the busy
    # timeout; one that begins as a write waits its turn.
    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        driver: Any = connection.connection.dbapi_connection
        if driver.in_transaction:  # which `Database.transaction` began
            return
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _follow_the_file(engine: Engine) -> None:
    """A file that was moved away or replaced is given up, or what is stored would go where nobody looks; and none is
    made where one was: `upgrade` makes it."""
    if not engine.url.database:
        return
    file = Path(engine.url.database)

    @event.listens_for(engine, "do_connect")
    def _require(*_: object) -> None:
        if not file.exists():
            raise SqliteOperationalError(FILE_GONE)

    @event.listens_for(engine, "connect")
    def _note(connection: SqliteConnection, record: ConnectionPoolEntry) -> None:
        record.info["file"] = _identity(file)

    @event.listens_for(engine, "checkout")
    def _compare(connection: SqliteConnection, record: ConnectionPoolEntry, proxy: object) -> None:
        if record.info["file"] != _identity(file):
            raise DisconnectionError(FILE_GONE)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
