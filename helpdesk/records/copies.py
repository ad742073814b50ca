"""A whole database as one SQLite file, of whatever kind it is, and such a file put into a database of either kind."""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Column, Connection, bindparam, cast, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import REGCLASS
from sqlalchemy.exc import DatabaseError
from sqlalchemy.sql.schema import Table as SchemaTable

from helpdesk.errors import UnavailableError
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, require_schema, sqlite_file, upgrade
from helpdesk.records.tables import HeartbeatRow, Lease, Table
from helpdesk.settings import Settings

_BATCH = 1000  # rows


def copy_out(settings: Settings, database: Database, file: Path) -> dict[str, int]:
    """Write one consistent state of a database of the current schema into a new SQLite file, while others write on.

    Returns how many rows each table has there. Raises UnavailableError when it cannot be copied or is damaged.
    """
    source = sqlite_file(database)
    try:
        if source is not None:
            with closing(_connect(source)) as opened, closing(_connect(file)) as copy:
                opened.backup(copy)
        else:
            _copy_out_by_rows(settings, database, file)
        return check_copy(file)
    except sqlite3.Error as error:
        raise UnavailableError(f"the database {database.where} could not be copied: {error}") from error


def check_copy(file: Path) -> dict[str, int]:
    """Table -> rows, of a copy that is whole. Raises UnavailableError when it is damaged."""
    with closing(_connect(file)) as copy:
        copy.execute("PRAGMA journal_mode = DELETE")  # everything is in one file
        found = [row[0] for row in copy.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            raise UnavailableError(f"the copy of the database is damaged: {found[0]}")
        tables = [row[0] for row in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}  # noqa: S608 - names of our schema


def bundles_of_copy(file: Path) -> tuple[dict[int, str], int | None]:
    """Version -> the folder of its bundle, and the version in service."""
    with closing(_connect(file)) as copy:
        folders = dict(copy.execute("SELECT id, directory FROM versions"))
        serving = copy.execute("SELECT version_id FROM promotions ORDER BY id DESC LIMIT 1").fetchone()
    return folders, None if serving is None else serving[0]


def renew_copy(settings: Settings, file: Path) -> str:
    """Bring a copy to the schema of this code and forget which processes were running. Returns its revision.

    Raises ConflictError when it is newer than this code.
    """
    copy = _as_database(settings, file)
    try:
        upgrade(copy)
        with copy.write() as session:
            session.execute(delete(HeartbeatRow))
            session.execute(delete(Lease))
        revision = copy.revision()
    finally:
        copy.close()
    check_copy(file)
    return str(revision)


def copy_in(settings: Settings, file: Path, database: Database) -> None:
    """Put a copy of the current schema in the place of everything that a database holds, in one transaction.

    Raises UnavailableError; then the database holds what it held.
    """
    target = sqlite_file(database)
    if target is None:
        upgrade(database)
        _copy_in_by_rows(settings, file, database)
        return
    target.touch(mode=0o600)
    if target.stat().st_size:
        _number_on(settings, file, database)
    try:
        with closing(_connect(file)) as copy, closing(_connect(target)) as opened:
            copy.backup(opened)
    except sqlite3.Error as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            raise UnavailableError(f"the database {target} could not be replaced: {error}") from error
        _take_place(file, target)


def _number_on(settings: Settings, file: Path, database: Database) -> None:
    """Let the copy give no id that the database gave which it replaces, if that can be read and has these tables."""
    copy = _as_database(settings, file)
    try:
        with suppress(UnavailableError, DatabaseError), database.read() as replaced:
            given = _last_ids(replaced.connection())
            with copy.write() as session:
                _continue_ids(session.connection(), given, _last_ids(session.connection()))
    finally:
        copy.close()
    check_copy(file)


def _take_place(file: Path, target: Path) -> None:
    """Put the copy where a file lies that is no database any more; that one stays beside it."""
    for suffix in ("-wal", "-shm"):  # first: they must not be taken for those of the copy
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    os.link(target, target.with_name(f"{target.name}.damaged-{now():%Y%m%dT%H%M%S}"))
    os.replace(file, target)


def _connect(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(file, isolation_level=None)


def _as_database(settings: Settings, file: Path) -> Database:
    return open_database(settings.model_copy(update={"database_url": SecretStr(f"sqlite:///{file}")}))


def _copy_out_by_rows(settings: Settings, database: Database, file: Path) -> None:
    copy = _as_database(settings, file)
    try:
        upgrade(copy)
        with database.read() as source, copy.write() as target:
            _copy_rows(source.connection(), target.connection())
            _continue_ids(target.connection(), _last_ids(source.connection()))
    finally:
        copy.close()


def _copy_in_by_rows(settings: Settings, file: Path, database: Database) -> None:
    copy = _as_database(settings, file)
    names = ", ".join(f'"{table.name}"' for table in Table.metadata.sorted_tables)
    try:
        require_schema(copy)
        with copy.read() as source, database.write() as target:
            before = _last_ids(target.connection())
            target.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
            _copy_rows(source.connection(), target.connection())
            _continue_ids(target.connection(), before, _last_ids(source.connection()))
    finally:
        copy.close()


def _copy_rows(source: Connection, target: Connection) -> None:
    """Every row of every table into empty ones. What refers to a row of its own table is filled in afterwards."""
    for table in Table.metadata.sorted_tables:
        own = [column for column in table.columns if any(key.column.table is table for key in column.foreign_keys)]
        for batch in _batches(source, table):
            target.execute(insert(table), [row | {column.name: None for column in own} for row in batch])
        for column in own:
            for batch in _batches(source, table):
                _refer(target, table, column, batch)


def _batches(source: Connection, table: SchemaTable) -> Any:
    rows = source.execution_options(yield_per=_BATCH).execute(select(table)).mappings()
    return ([dict(row) for row in batch] for batch in rows.partitions())


def _refer(target: Connection, table: SchemaTable, column: Column[Any], batch: Sequence[dict[str, Any]]) -> None:
    (key,) = table.primary_key.columns
    pairs = [{"row": row[key.name], "other": row[column.name]} for row in batch if row[column.name] is not None]
    if pairs:
        statement = update(table).where(key == bindparam("row")).values({column.name: bindparam("other")})
        target.execute(statement, pairs)


def _last_ids(connection: Connection) -> dict[str, int]:
    """Table -> the highest id that was given there so far, also when its row is gone."""
    if connection.dialect.name == "sqlite":
        return dict(connection.execute(text("SELECT name, seq FROM sqlite_sequence")).tuples().all())
    found = {}
    for table, key in _numbered():
        sequence = func.pg_get_serial_sequence(table.name, key.name)
        found[table.name] = connection.scalar(select(func.pg_sequence_last_value(cast(sequence, REGCLASS)))) or 0
    return found


def _numbered() -> Iterator[tuple[SchemaTable, Column[Any]]]:
    for table in Table.metadata.sorted_tables:
        if table.autoincrement_column is not None:
            yield table, table.autoincrement_column


def _continue_ids(target: Connection, *given: Mapping[str, int]) -> None:
    """The next row of each table gets an id that none had, in this database or the ones with these last ids."""
    for table, key in _numbered():
        newest = target.scalar(select(func.max(key))) or 0
        last = max(newest, *(ids.get(table.name, 0) for ids in given))
        if target.dialect.name == "sqlite":
            target.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
            target.execute(
                text("INSERT INTO sqlite_sequence VALUES (:name, :last)"), {"name": table.name, "last": last}
            )
        elif last:
            target.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key.name), last)))
