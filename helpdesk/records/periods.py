"""The stretch of time that a report or a search is about."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, true

from helpdesk.records.tables import Message


@dataclass(frozen=True)
class Period:
    """Messages from `since` up to, not including, `until` (None: without end), of one channel or of all (None)."""

    since: datetime | None
    until: datetime | None = None
    channel: str | None = None

    @property
    def holds(self) -> ColumnElement[bool]:
        """Whether a message is of it."""
        wanted: list[ColumnElement[bool]] = [true()]
        if self.since is not None:
            wanted.append(Message.created_at >= self.since)
        if self.until is not None:
            wanted.append(Message.created_at < self.until)
        if self.channel is not None:
            wanted.append(Message.channel == self.channel)
        return and_(*wanted)
