"""What every table stands on: aware UTC datetimes, and constraint names that migrations can refer to."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator


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


@contextmanager
def simulated_time() -> Iterator[Clock]:
    """The clock of this process, to be moved for the block; afterwards it is right again."""
    try:
        yield _clock
    finally:
        _clock.set_right()


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC datetimes on every database: SQLite forgets the offset, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive datetimes: their zone would be a guess."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; expected an aware datetime")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the offset back."""
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


class Table(DeclarativeBase):
    """Base of all tables; named constraints, so that migrations can refer to them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012
