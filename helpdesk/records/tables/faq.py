"""The FAQ: entries, their phrasings, what staff promise of them, and training rows of other kinds."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class Intent(Table):
    """One FAQ entry: a canonical question and its answer. A former slug stays a name of it.

    follow_ups: names of other entries, as they were called then, whose questions are shown after the answer.
    archived: put away, else like a draft; deleted: only its labels, its history and, until another entry takes it, its
    slug are left. urgent: whoever asks it is handed over to people at once, beside the answer.
    """

    __tablename__ = "intents"
    __table_args__ = (CheckConstraint("status IN ('published', 'draft', 'archived', 'deleted')", name="status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(128), unique=True)
    question: Mapped[str]
    answer: Mapped[str]
    status: Mapped[str] = mapped_column(String(16), default="published")
    locale: Mapped[str] = mapped_column(String(16), default="en")
    tags: Mapped[list[Any]] = mapped_column(default=list)
    follow_ups: Mapped[list[Any]] = mapped_column(default=list, server_default="[]")
    urgent: Mapped[bool] = mapped_column(default=False, server_default=false())
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


class AdditionVector(Table):
    """The vector of a phrasing that was added since a version was built; float32, as the encoder (its hash) gave it."""

    __tablename__ = "addition_vectors"

    encoder: Mapped[str] = mapped_column(String(64), primary_key=True)
    text_key: Mapped[str] = mapped_column(String(32), primary_key=True, index=True)
    vector: Mapped[bytes]


class FormerName(Table):
    """What an entry was called before it was renamed, or merged into this one. No other entry may be called so."""

    __tablename__ = "former_names"

    slug: Mapped[str] = mapped_column(String(128), primary_key=True)
    intent_id: Mapped[int] = mapped_column(ForeignKey("intents.id", ondelete="CASCADE"), index=True)
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class GoldenPhraseRow(Table):
    """What staff promise: this text is always answered so, or, without an intent, never answered."""

    __tablename__ = "golden_phrases"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32), unique=True)
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("intents.id", ondelete="CASCADE"))
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class FaqChange(Table):
    """Append-only: one row each time the FAQ changes, so that running processes notice."""

    __tablename__ = "faq_changes"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class FaqRevision(Table):
    """Append-only: an entry as it was after one change. Those of an entry that was merged away have no `intent_id`.

    `entry` is {"question", "answer", "status", "locale", "tags", "follow_ups", "urgent", "phrasings"}, each phrasing
    [text, source, author]; older ones lack follow-ups and `urgent`.
    """

    __tablename__ = "faq_revisions"

    id: Mapped[int] = mapped_column(primary_key=True)
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("intents.id", ondelete="SET NULL"), index=True)
    slug: Mapped[str] = mapped_column(String(128), index=True)
    action: Mapped[str] = mapped_column(String(40))
    author: Mapped[str] = mapped_column(String(80))
    entry: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


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
