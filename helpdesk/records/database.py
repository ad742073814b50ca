"""Connections, transactions and migrations, for SQLite and PostgreSQL."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache, cached_property, partial
from pathlib import Path
from sqlite3 import SQLITE_READONLY
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError, UnavailableError
from helpdesk.records.database_errors import fault, refusal
from helpdesk.records.deadlines import connect_in_time
from helpdesk.records.prepared import Prepared
from helpdesk.records.sqlite_engine import sqlite_engine
from helpdesk.settings import Settings, resource

log = logging.getLogger(__name__)
_compact = partial(json.dumps, separators=(",", ":"))
_WHICH = text(
    "SELECT system_identifier || '/' || oid FROM pg_control_system(), pg_database WHERE datname = current_database()"
)
_BEGIN, _COMMIT = Prepared(text("BEGIN IMMEDIATE")), Prepared(text("COMMIT"))


def open_database(settings: Settings, *, hurried: bool = False) -> "Database":
    """An engine for this process; call it after a fork, never before. Nothing is connected yet.

    hurried: somebody waits for every answer, so PostgreSQL ends a statement that takes longer than the timeout, and
    one that says nothing for so long is given up (`waiting_once` bounds a whole request). A transaction in which
    nothing happens for twice as long is ended. A night, a command or a migration takes the time it needs. Nobody waits
    longer than the timeout for a lock.
    """
    try:
        backend = make_url(settings.database).get_backend_name()
        if backend == "sqlite":
            return Database(sqlite_engine(settings, json_serializer=_compact))
        if backend == "postgresql":
            return Database(_postgresql_engine(settings, hurried=hurried))
    except (ArgumentError, ValueError, TypeError) as error:
        raise BadInputError(f"HELPDESK_DATABASE_URL: {error}; expected e.g. postgresql://user@host/db") from None
    except ImportError as error:
        raise BadInputError(
            f"HELPDESK_DATABASE_URL needs {error.name}, which is not installed: `pip install 'helpdesk[postgresql]'`"
        ) from None
    raise BadInputError(f"HELPDESK_DATABASE_URL: {backend} given; expected sqlite or postgresql")


def require_schema(database: "Database") -> None:
    """Raise HelpdeskError unless the schema is the one of this code. Makes no file."""
    file = sqlite_file(database)
    revision = database.revision() if file is None or file.exists() else None
    if revision is None:
        raise NotFoundError(f"the database {database.where} holds no helpdesk; run `helpdesk init`")
    require_revision(revision)


def require_revision(revision: str) -> None:
    """Raise ConflictError unless a schema of this revision is the one of this code."""
    _require_known(revision)
    if revision != _revisions()[-1]:
        raise ConflictError(
            f"the database is at revision {revision}, this code needs {_revisions()[-1]}; run `helpdesk db upgrade`"
        )


def upgrade(database: "Database", *, to: str = "head") -> None:
    """Bring the schema to a migration, by default the newest, in one transaction: a killed run changes nothing.

    Raises ConflictError when the database is newer than this code.
    """
    from alembic import command
    from alembic.config import Config

    file = sqlite_file(database)
    if file is not None:
        with suppress(OSError):  # what keeps it from being made is told when it is opened
            file.touch(mode=0o600)
    revision = database.revision()
    if revision is not None:
        _require_known(revision)
    config = Config()
    config.set_main_option("script_location", str(resource("migrations")))
    with database.write() as session:
        config.attributes["connection"] = session.connection()
        command.upgrade(config, to)


@cache
def _revisions() -> list[str]:
    """The revisions of the migrations that ship with this code, oldest first: their files begin with them."""
    return sorted(path.name.split("_")[0] for path in (resource("migrations") / "versions").glob("[0-9]*.py"))


def _require_known(revision: str) -> None:
    if revision not in _revisions():
        raise ConflictError(
            f"the database is at revision {revision}, which is newer than this code ({_revisions()[-1]}); "
            "install the helpdesk that upgraded it"
        )


def _postgresql_engine(settings: Settings, *, hurried: bool) -> Engine:
    seconds = settings.database_timeout
    milliseconds = round(seconds * 1000)
    limits = f"-c statement_timeout={milliseconds if hurried else 0} -c lock_timeout={milliseconds}"
    if hurried:  # a host that stands still in the middle of a transaction holds its rows against all others
        limits += f" -c idle_in_transaction_session_timeout={2 * milliseconds}"
    engine = create_engine(
        settings.database,
        pool_pre_ping=True,
        hide_parameters=True,
        json_serializer=_compact,
        pool_timeout=seconds,
        connect_args={
            "connect_timeout": max(2, round(seconds)),
            "options": f"{limits} -c timezone=UTC",
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": 10,
            "keepalives_interval": 2,
            "keepalives_count": 3,
        },
    )
    if hurried:

        @event.listens_for(engine, "do_connect")
        def _connect(dialect: object, record: object, arguments: Any, options: Any) -> Any:
            return connect_in_time(seconds, *arguments, **options)

    return engine


@dataclass(frozen=True)
class Database:
    """One process's way to the database. Functions of this room take the session first and never commit."""

    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one state and writes nothing."""
        with self._session(self._reading) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises."""
        with self._session(self._writing) as session:
            yield session
            session.commit()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """The same as `write` for prepared statements: a session, and a transaction of SQLAlchemy, cost more than they
        do. `session_over` is for what needs a session all the same."""
        with self._faults(), self.engine.connect() as connection:
            if self.dialect == "sqlite":
                _BEGIN.run(connection, {})
            yield connection
            _COMMIT.run(connection, {})

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """For one prepared statement that reads: neither a session nor a transaction."""
        with self._faults(), self.engine.connect() as connection:
            yield connection

    @cached_property
    def _reading(self) -> Engine:
        """PostgreSQL's default shows each statement what was committed meanwhile; an SQLite transaction does not."""
        if self.dialect == "sqlite":
            return self.engine
        return self.engine.execution_options(isolation_level="REPEATABLE READ")

    @cached_property
    def _writing(self) -> Engine:
        return self.engine.execution_options(writes=True)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with self._faults(), Session(engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise UnavailableError(f"every connection to the database {self.where} is in use") from error
        except DBAPIError as error:
            if _is_read_only(error):
                self.engine.dispose()
            reason = refusal(error, self.where)
            if reason is None:
                raise
            raise UnavailableError(reason, fault=fault(error)) from error

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    @property
    def where(self) -> str:
        """How a message names the database: the file, or host and name; never a password."""
        url = self.engine.url
        return str(url.database) if self.dialect == "sqlite" else f"{url.database or ''} on {url.host or 'this host'}"

    def identity(self) -> str:
        """Which database this is, however its address is written: the file, or the server's own number and that of the
        database. A server that does not tell its number is known by its address."""
        file = sqlite_file(self)
        if file is not None:
            return str(file.resolve())
        try:
            with self.read() as session:
                return str(session.scalar(_WHICH))
        except (UnavailableError, DBAPIError):
            url = self.engine.url
            return f"{url.host or ''}:{url.port or 5432}/{url.database}"

    def revision(self) -> str | None:
        """The schema's revision, None when it has none. Raises UnavailableError when the database does not answer."""
        with self.read() as session:
            if not inspect(session.connection()).has_table("alembic_version"):
                return None
            found: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
            return found

    def ping(self) -> dict[str, Any]:
        """Which schema the database has. Raises UnavailableError when it does not answer."""
        with self.read() as session:
            return {"revision": session.scalar(text("SELECT version_num FROM alembic_version"))}

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


@contextmanager
def session_over(connection: Connection) -> Iterator[Session]:
    """A session that takes part in a `transaction`, which commits later."""
    if not connection.in_transaction():
        connection.begin()
    with Session(connection, expire_on_commit=False) as session:
        yield session
        session.commit()


def _is_read_only(error: DBAPIError) -> bool:
    """Whether SQLite opened a file for reading alone, which it does when it may not write it. It stays so, for every
    connection of the process, until the last one is closed, also when it could be written again."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF == SQLITE_READONLY


def sqlite_file(database: Database) -> Path | None:
    """The file behind an SQLite database, None for other databases."""
    name = database.engine.url.database
    return Path(name) if database.dialect == "sqlite" and name else None
