"""Conversations that were handed over to people, and what those replied."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class CaseReason(StrEnum):
    """Why a conversation was handed over."""

    ASKED = "asked"  # the person wants to talk to a person
    NO_ANSWER = "no_answer"  # the entry that is asked for has no answer text
    TWO_FAILED_TRIES = "two_failed_tries"  # nothing was likely enough, twice in a row
    NONE_OF_THESE = "none_of_these"  # it is none of the entries that were offered
    THUMBS_DOWN = "thumbs_down"  # the answer was no help
    FLAGGED = "flagged"  # the entry is about a topic that people look at
    LANGUAGE = "language"  # in a language that neither FAQ nor encoder know
    URGENT = "urgent"  # the entry is marked urgent


class CaseState(StrEnum):
    """Who has a case."""

    OPEN = "open"  # nobody yet
    TAKEN = "taken"  # somebody; the bot is silent
    CLOSED = "closed"  # the bot again


_NOT_CLOSED = text("state <> 'closed'")


class CaseRow(Table):
    """One hand-over of a conversation to people. At most one of a conversation is not closed.

    message_id: the message that opened it; taken_by: the name of whoever has it, or closed it.
    """

    __tablename__ = "cases"
    __table_args__ = (
        CheckConstraint(f"reason IN ({', '.join(map(repr, map(str, CaseReason)))})", name="reason"),
        CheckConstraint(f"state IN ({', '.join(map(repr, map(str, CaseState)))})", name="state"),
        CheckConstraint("(state = 'open') = (taken_by IS NULL)", name="taken_by"),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_at"),
        Index(
            "uq_cases_conversation_not_closed",
            "conversation_id",
            unique=True,
            sqlite_where=_NOT_CLOSED,
            postgresql_where=_NOT_CLOSED,
        ),
        Index("ix_cases_state_urgent_opened_at", "state", "urgent", "opened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    reason: Mapped[str] = mapped_column(String(16))
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
    state: Mapped[str] = mapped_column(String(16), default=CaseState.OPEN)
    taken_by: Mapped[str | None] = mapped_column(String(80))
    opened_at: Mapped[datetime] = mapped_column(default=now)
    taken_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class CaseReply(Table):
    """What a person wrote to the customer. `token` is its form's: a form that is sent twice is one reply."""

    __tablename__ = "case_replies"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    author: Mapped[str] = mapped_column(String(80))
    text: Mapped[str]
    token: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
