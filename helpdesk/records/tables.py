"""The tables. Rows are facts: nothing here decides, matches or learns."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.decisions import DecisionKind
from helpdesk.records.base import Table, now


class Staff(Table):
    """Someone who may log in. `session_token` changes at logout, which ends every session of theirs."""

    __tablename__ = "staff"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    session_token: Mapped[str] = mapped_column(String(64), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoginFailure(Table):
    """One refused login, kept to slow down guessing across all worker processes."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class Intent(Table):
    """One FAQ entry: a canonical question and its answer. The slug never changes."""

    __tablename__ = "intents"
    __table_args__ = (CheckConstraint("status IN ('published', 'draft')", name="status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(128), unique=True)
    question: Mapped[str]
    answer: Mapped[str]
    status: Mapped[str] = mapped_column(String(16), default="published")
    locale: Mapped[str] = mapped_column(String(16), default="en")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    phrasings: Mapped[list["Phrasing"]] = relationship(
        back_populates="intent", order_by="Phrasing.id", cascade="all, delete-orphan", passive_deletes=True
    )


class Phrasing(Table):
    """One way of asking an intent's question, put there by import or by an editor."""

    __tablename__ = "phrasings"
    __table_args__ = (
        UniqueConstraint("intent_id", "text_key", name="uq_phrasings_intent_text"),
        CheckConstraint("source IN ('question', 'import', 'edit')", name="source"),
        CheckConstraint("normalised <> ''", name="normalised"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    intent_id: Mapped[int] = mapped_column(ForeignKey("intents.id", ondelete="CASCADE"), index=True)
    text: Mapped[str]
    normalised: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32), index=True)
    source: Mapped[str] = mapped_column(String(16))
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    intent: Mapped[Intent] = relationship(back_populates="phrasings")


class Example(Table):
    """One training row of another kind than a labelled phrasing: a pair, a triplet, a message nobody labelled.

    `value` is how alike a pair is: from 0 to 1 when scored, 0 or 1 when similar or not.
    """

    __tablename__ = "examples"
    __table_args__ = (
        UniqueConstraint("kind", "text_key", name="uq_examples_kind_text"),
        CheckConstraint("kind IN ('positive', 'scored', 'similar', 'triplet', 'unlabelled')", name="kind"),
        CheckConstraint("(kind = 'unlabelled') = (second IS NULL)", name="second"),
        CheckConstraint("(kind = 'triplet') = (third IS NOT NULL)", name="third"),
        CheckConstraint("(kind IN ('scored', 'similar')) = (value IS NOT NULL)", name="value"),
        CheckConstraint("value IS NULL OR (value >= 0 AND value <= 1)", name="value_range"),
        CheckConstraint("kind <> 'similar' OR value = 0 OR value = 1", name="similar"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    text_key: Mapped[str] = mapped_column(String(32))
    first: Mapped[str]
    second: Mapped[str | None]
    third: Mapped[str | None]
    value: Mapped[float | None]
    source: Mapped[str] = mapped_column(String(200), index=True)
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def texts(self) -> tuple[str, ...]:
        """Its one, two or three texts, in the order of the columns."""
        return tuple(text for text in (self.first, self.second, self.third) if text is not None)


class Conversation(Table):
    """What one sender said on one channel."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("channel", "sender", name="uq_conversations_channel_sender"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(32))
    sender: Mapped[str] = mapped_column(String(256))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Message(Table):
    """What a person typed, as they typed it. `external_id` makes a repeated delivery one message."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("channel", "external_id", name="uq_messages_channel_external_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str | None] = mapped_column(String(128))
    text: Mapped[str]
    normalised: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now, index=True)


_DRAWN = text("audit_odds IS NOT NULL")


class DecisionRow(Table):
    """What the bot decided about a message, and everything it decided from.

    `audit_odds` is the probability with which the message was drawn into the audit sample, NULL when it was not drawn.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(map(repr, map(str, DecisionKind)))})", name="kind"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence"),
        CheckConstraint("out_of_scope >= 0 AND out_of_scope <= 1", name="out_of_scope"),
        CheckConstraint("audit_odds > 0 AND audit_odds <= 1", name="audit_odds"),
        Index("ix_decisions_kind_message_id", "kind", "message_id"),
        Index("ix_decisions_audit", "message_id", sqlite_where=_DRAWN, postgresql_where=_DRAWN),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), unique=True)
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    kind: Mapped[str] = mapped_column(String(16))
    intent: Mapped[str | None] = mapped_column(String(128))
    confidence: Mapped[float]
    out_of_scope: Mapped[float]
    reason: Mapped[str] = mapped_column(String(32))
    ranking: Mapped[list[Any]]
    options: Mapped[list[Any]]
    thresholds: Mapped[dict[str, Any]]
    audit_odds: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Label(Table):
    """A staff member's word on what a message meant. Undone labels stay, marked."""

    __tablename__ = "labels"
    __table_args__ = (
        CheckConstraint("kind IN ('intent', 'out_of_scope', 'skip')", name="kind"),
        CheckConstraint("side IN ('train', 'holdout', 'neither')", name="side"),
        CheckConstraint("(kind = 'intent') = (intent_id IS NOT NULL)", name="intent_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    text: Mapped[str]
    normalised: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("intents.id", ondelete="CASCADE"))
    side: Mapped[str] = mapped_column(String(16))
    group_key: Mapped[str] = mapped_column(String(64), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    undone_at: Mapped[datetime | None]
    intent: Mapped[Intent | None] = relationship()
    staff: Mapped["Staff"] = relationship()


class ExclusionRow(Table):
    """A source whose rows up to `created_at` teach nothing any more, until it is lifted."""

    __tablename__ = "exclusions"
    __table_args__ = (CheckConstraint("field IN ('annotator', 'source', 'row')", name="field"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str] = mapped_column(String(16))
    value: Mapped[str] = mapped_column(String(80))
    since: Mapped[datetime | None]
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    lifted_at: Mapped[datetime | None]
