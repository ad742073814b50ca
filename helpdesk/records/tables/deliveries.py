"""What is to be sent to other systems: cases and what comes to them to their receivers, replies to chats."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class DeliveryState(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"  # to be sent, at `due_at`
    SENT = "sent"
    DEAD = "dead"  # tried often enough, or given up


def _new_key() -> str:
    return f"hd-{uuid4().hex}"


class CaseEvent(StrEnum):
    """What may come to a case after it was sent, about one message of its conversation."""

    ADDED = "added"  # the message joined it
    HELPFUL = "helpful"  # its answer did help after all
    WITHDRAWN = "withdrawn"  # so it did, and nobody has to look at the case any more


_WHOLE_CASE, _NO_CASE = text("message_id IS NULL"), text("case_id IS NULL")


class DeliveryRow(Table):
    """One thing to send to one receiver: a case; a note about a message of a case, its `payload` having `event`
    (CaseEvent) and `reason` (CaseReason); or `payload`, the reply to a message or what a person replied.

    key: tells the other side a repetition; attempts: how often sending was begun; leased_by: who sends it, until
    `leased_until`; external_ref: what it became on the other side.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(map(repr, map(str, DeliveryState)))})", name="state"),
        UniqueConstraint("reply_id", "receiver", name="uq_deliveries_reply_id_receiver"),
        CheckConstraint("message_id IS NULL OR reply_id IS NULL", name="subject"),
        CheckConstraint("case_id IS NOT NULL OR message_id IS NOT NULL OR reply_id IS NOT NULL", name="about"),
        CheckConstraint("case_id IS NULL OR reply_id IS NULL", name="case_id"),
        CheckConstraint("(case_id IS NULL OR message_id IS NOT NULL) = (payload IS NOT NULL)", name="payload"),
        Index(
            "uq_deliveries_case_id_receiver",
            "case_id",
            "receiver",
            unique=True,
            sqlite_where=_WHOLE_CASE,
            postgresql_where=_WHOLE_CASE,
        ),
        Index(
            "uq_deliveries_message_id_receiver",
            "message_id",
            "receiver",
            unique=True,
            sqlite_where=_NO_CASE,
            postgresql_where=_NO_CASE,
        ),
        Index("ix_deliveries_state_due_at", "state", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True, default=_new_key)
    receiver: Mapped[str] = mapped_column(String(32))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    message_id: Mapped[int | None] = mapped_column(ForeignKey("messages.id"), index=True)
    reply_id: Mapped[int | None] = mapped_column(ForeignKey("case_replies.id"))
    payload: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.WAITING)
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime] = mapped_column(default=now)
    leased_by: Mapped[str | None] = mapped_column(String(64))
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(String(500))
    external_ref: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
