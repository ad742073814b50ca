"""What people typed, and what was decided about it."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.decisions import DecisionKind, HandoverStage
from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table
from helpdesk.records.tables.ranking import StoredRanking


class Conversation(Table):
    """What one sender said on one channel. promotion_id: the newest promotion that it was answered under."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("channel", "sender", name="uq_conversations_channel_sender"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(32))
    sender: Mapped[str] = mapped_column(String(256))
    promotion_id: Mapped[int | None] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(default=now)


class Message(Table):
    """What a person typed, as they typed it. `external_id` makes a repeated delivery of its sender one message."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "external_id", name="uq_messages_conversation_id_external_id"),
        Index("ix_messages_created_at_id", "created_at", "id", "channel"),
        Index("ix_messages_conversation_id_id", "conversation_id", "id"),
        Index("ix_messages_text_key_id", "text_key", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversations.id"))
    channel: Mapped[str] = mapped_column(String(32))
    external_id: Mapped[str | None] = mapped_column(String(128))
    text: Mapped[str]
    normalised: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(default=now)


_DRAWN = text("inclusion_probability IS NOT NULL")
_ANSWERED = text("answered_at IS NOT NULL")


class DecisionRow(Table):
    """What the bot decided about a message, and everything it decided from.

    `told` is {"text", "intents", "options", "follow_ups", "markup"}, options and follow-ups [slug, question], all as
    the person got them, without what is empty, and without intents when `intent` is all of them; NULL before that was
    kept.
    `stage` is how far the bot got with people (HandoverStage), NULL where it needed none.
    `inclusion_probability` is that with which the message was drawn into the audit sample, NULL when it was not drawn.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(map(repr, map(str, DecisionKind)))})", name="kind"),
        CheckConstraint(f"stage IN ({', '.join(map(repr, map(str, HandoverStage)))})", name="stage"),
        CheckConstraint("confidence >= 0 AND confidence <= 1", name="confidence"),
        CheckConstraint("out_of_scope >= 0 AND out_of_scope <= 1", name="out_of_scope"),
        CheckConstraint("inclusion_probability > 0 AND inclusion_probability <= 1", name="inclusion_probability"),
        Index("ix_decisions_kind_message_id", "kind", "message_id", "reason", "version_id", "intent"),
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
    ranking: Mapped[list[dict[str, Any]]] = mapped_column(StoredRanking)
    options: Mapped[list[Any]]
    thresholds: Mapped[dict[str, Any]]
    told: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    inclusion_probability: Mapped[float | None]
    stage: Mapped[str | None] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(default=now)


class AskedText(Table):
    """One normalised text that asks something: how often it came, and what was decided when it came last.

    Kept beside the messages, so that the queue is read without reading them all. count: of its messages; first_id and
    newest_id: the oldest and the newest of them; best: the intent that was ranked first; place: in the queue, less for
    more expected benefit, which is count x uncertainty.
    open: no label says what it means, it is not flagged, and what serves does not answer it surely now; later: somebody
    put it off. answered_at: when a night found that what serves answers it surely with `answer`, and so it left the
    queue; put_back: somebody looked at that, and it waits whatever nights find. disliked: somebody who sent it said
    that the answer did not help.
    """

    __tablename__ = "asked_texts"
    __table_args__ = (
        Index("ix_asked_texts_queue", "open", "later", "place", "newest_id"),
        Index("ix_asked_texts_count", "open", "count", "newest_id"),
        Index("ix_asked_texts_newest", "open", "newest_id"),
        Index(
            "ix_asked_texts_disliked",
            "disliked",
            "open",
            "kind",
            "confidence",
            "reason",
            sqlite_where=text("disliked = 1 AND open = 1"),
            postgresql_where=text("disliked AND open"),
        ),
        Index("ix_asked_texts_kinds", "open", "kind", "reason", "confidence", "disliked"),
        Index("ix_asked_texts_answered", "answered_at", sqlite_where=_ANSWERED, postgresql_where=_ANSWERED),
    )

    text_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    normalised: Mapped[str]
    count: Mapped[int]
    first_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    newest_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    best: Mapped[str | None] = mapped_column(String(128))
    confidence: Mapped[float]
    place: Mapped[float]
    open: Mapped[bool] = mapped_column(default=True)
    later: Mapped[bool] = mapped_column(default=False)
    answered_at: Mapped[datetime | None]
    answer: Mapped[str | None] = mapped_column(String(128))
    answer_confidence: Mapped[float | None]
    put_back: Mapped[bool] = mapped_column(default=False, server_default=false())
    disliked: Mapped[bool] = mapped_column(default=False, server_default=false())


class FeedbackRow(Table):
    """What the sender of a message said of the reply, last: untrusted, so it labels nothing by itself.

    `chosen` is the slug of the entry that they meant, as it was called then.
    """

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("said IN ('helpful', 'not_helpful', 'chosen', 'none_of_these')", name="said"),
        CheckConstraint("(said = 'chosen') = (chosen IS NOT NULL)", name="chosen"),
    )

    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), primary_key=True)
    said: Mapped[str] = mapped_column(String(16))
    chosen: Mapped[str | None] = mapped_column(String(128))
    at: Mapped[datetime] = mapped_column(default=now)


class CountedDay(Table):
    """A day (UTC) whose messages are counted in `day_totals`, also when there were none.

    so_far: kind of decision -> how many messages there were up to the end of that day.
    """

    __tablename__ = "counted_days"

    day: Mapped[date] = mapped_column(primary_key=True)
    so_far: Mapped[dict[str, Any]]


class DayTotal(Table):
    """How many messages of one day and channel were decided alike; intent: what was answered, as it was called then."""

    __tablename__ = "day_totals"

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(ForeignKey("counted_days.day"), index=True)
    channel: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(32))
    intent: Mapped[str | None] = mapped_column(String(128))
    count: Mapped[int]


class FlipRow(Table):
    """A text without a label about which the version in service and last night's candidate disagree.

    `before` and `after` are {"kind", "intent", "confidence"}; `count` is how often the text was asked lately. Rows
    are replaced every night; those that got a label stay a while, for the audit sample's sake.
    """

    __tablename__ = "flips"

    text_key: Mapped[str] = mapped_column(String(32), primary_key=True)
    text: Mapped[str]
    night: Mapped[datetime]
    count: Mapped[int]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
