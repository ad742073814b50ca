"""The clock of this process: real time, which a simulation may move."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session


class Clock:
    """What `now` reads: real time, moved by what a simulation has moved it. Time goes on in between."""

    def __init__(self) -> None:
        self._moved = timedelta(0)

    def read(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC) + self._moved

    def set(self, moment: datetime) -> None:
        """Let it be this moment now."""
        self._moved = moment - datetime.now(UTC)

    def set_right(self) -> None:
        """Let it be the real time again."""
        self._moved = timedelta(0)


_clock = Clock()  # one for the whole process: heartbeats and workers must live in the same time


def now() -> datetime:
    """The current moment, aware, in UTC."""
    return _clock.read()


def database_time(session: Session) -> datetime:
    """The database server's clock where there are several hosts, whose own clocks may differ; else that of `now`."""
    if session.get_bind().dialect.name == "postgresql":
        moment: datetime = session.scalars(select(func.clock_timestamp())).one()
        return moment
    return now()


@contextmanager
def simulated_time() -> Iterator[Clock]:
    """The clock of this process, to be moved for the block; afterwards it is right again."""
    try:
        yield _clock
    finally:
        _clock.set_right()
