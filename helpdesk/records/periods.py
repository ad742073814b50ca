"""The stretch of time that a report or a search is about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, true

from helpdesk.records.tables import Message

_NUMBERED_WITHIN = timedelta(hours=1)  # of its time a message has its number; several processes store at once


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

    def may_hold(self, message_id: Any) -> ColumnElement[bool]:
        """Whether a message may be of it, by its number: finds the rows of other tables without their messages."""
        wanted: list[ColumnElement[bool]] = [true()]
        if self.since is not None:
            wanted.append(message_id >= first_message_since(self.since - _NUMBERED_WITHIN))
        if self.until is not None:
            wanted.append(message_id < first_message_since(self.until + _NUMBERED_WITHIN))
        return and_(*wanted)


def first_message_since(moment: datetime) -> ColumnElement[int]:
    """The id of the oldest message since a moment, more than any id when there is none; ids grow with time."""
    oldest = select(Message.id).where(Message.created_at >= moment).order_by(Message.created_at, Message.id).limit(1)
    return func.coalesce(oldest.scalar_subquery(), 2**31 - 1)
