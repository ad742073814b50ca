"""The tables of running the thing: versions, promotions, nights, and who runs what. Append-only where they say so."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.base import Table, now


class Version(Table):
    """One sealed bundle that was built: where it lies, what it came from, what it measured."""

    __tablename__ = "versions"
    __table_args__ = (
        CheckConstraint("kind IN ('first', 'refreshed', 'retrained')", name="kind"),
        CheckConstraint("verdict IN ('promote', 'refuse', 'lost')", name="verdict"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    directory: Mapped[str] = mapped_column(String(128), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    rows_hash: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16))
    report: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=now)


class Promotion(Table):
    """Append-only: the newest row names the version in service. A rollback is one more row."""

    __tablename__ = "promotions"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("versions.id"))
    reason: Mapped[str] = mapped_column(String(200))
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)


class Night(Table):
    """One nightly run: what came of it, what served afterwards, and how the desk was doing by then.

    `refusals` maps each candidate that was not promoted to its reasons; `figures` holds estimates and drift, and of
    messages and phrasings their ids only. Shares are NULL when there was nothing to measure them on.
    """

    __tablename__ = "nights"
    __table_args__ = (CheckConstraint("verdict IN ('promoted', 'kept', 'failed')", name="verdict"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(500))
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    promoted_kind: Mapped[str | None] = mapped_column(String(16))
    refusals: Mapped[dict[str, Any]]
    labels: Mapped[int]
    holdout_rows: Mapped[int | None]
    holdout_right: Mapped[int | None]
    coverage: Mapped[float | None]
    wrong_share: Mapped[float | None]
    wrong_low: Mapped[float | None]
    wrong_high: Mapped[float | None]
    figures: Mapped[dict[str, Any]]


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


class Lease(Table):
    """Who runs the nightly job, and until when. One that ran out, or whose holder died, is anybody's."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    place: Mapped[str] = mapped_column(String(255))
    taken_at: Mapped[datetime]
    beat_at: Mapped[datetime]
    expires_at: Mapped[datetime]


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


class Serving(Table):
    """What a web process serves, as it last said. `refused_promotion_id` names one whose bundle it could not load."""

    __tablename__ = "servings"
    __table_args__ = (UniqueConstraint("host", "process_id", name="uq_servings_host_process_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    refused_promotion_id: Mapped[int | None] = mapped_column(ForeignKey("promotions.id"))
    seen_at: Mapped[datetime] = mapped_column(index=True)
