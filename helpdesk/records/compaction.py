"""Overwriting what deleted rows left in the files of the database."""

import logging
import time
from sqlite3 import Connection as SqliteConnection
from sqlite3 import Error as SqliteError
from typing import Any

from sqlalchemy.exc import DBAPIError

from helpdesk.records.database import Database

log = logging.getLogger(__name__)
_READERS_MILLISECONDS, _TRIES, _BETWEEN_TRIES = 100, 20, 0.5


def compact(database: Database) -> bool:
    """Overwrite what deleted rows left; whether nothing stood in the way. Call it outside a transaction.

    On SQLite the file is written anew, and nobody else writes to it meanwhile; then the write-ahead log is emptied.
    """
    try:
        if database.dialect == "sqlite":
            return _compact_file(database)
        with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.exec_driver_sql("VACUUM")
    except (DBAPIError, SqliteError) as error:
        log.warning("the database was not compacted: %s", error)
        return False
    return True


def _compact_file(database: Database) -> bool:
    """By the driver: our engine begins a transaction by itself."""
    connection = database.engine.raw_connection()
    try:
        driver: Any = connection.dbapi_connection
        driver.execute("VACUUM")
        return _empty_log(driver)
    finally:
        connection.invalidate()  # its busy timeout is another one now


def _empty_log(driver: SqliteConnection) -> bool:
    """Empty the write-ahead log; whether readers let it. SQLite holds up everybody's writes while it waits for readers
    here, so it waits for a moment only, several times."""
    driver.execute(f"PRAGMA busy_timeout = {_READERS_MILLISECONDS}")
    for _ in range(_TRIES):
        busy: int = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        if not busy:
            return True
        time.sleep(_BETWEEN_TRIES)
    return False
