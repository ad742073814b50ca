"""Versions, promotions and nights; who runs the night and what each process serves."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


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
    messages and phrasings their ids only. Shares are NULL when there was nothing to measure them on. `report` is the
    whole report, NULL where it was only written to the home of the host that ran the night, or is too old.
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
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)


class DataCheck(Table):
    """The last data check: what it found, and a hash of the rows that it examined."""

    __tablename__ = "data_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    rows_hash: Mapped[str] = mapped_column(String(64))
    found: Mapped[dict[str, Any]]


class Lease(Table):
    """Who runs the nightly job, and until when. One that ran out, or whose holder died, is anybody's."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    place: Mapped[str] = mapped_column(String(255))
    taken_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class HeartbeatRow(Table):
    """What a web process serves, as it last said. `refused_promotion_id` names one whose bundle it could not load;
    `copies` are the bundles that its host has copied from the store, NULL where there is none."""

    __tablename__ = "heartbeats"
    __table_args__ = (UniqueConstraint("host", "process_id", name="uq_heartbeats_host_process_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(255))
    process_id: Mapped[int]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    refused_promotion_id: Mapped[int | None] = mapped_column(ForeignKey("promotions.id"))
    copies: Mapped[list[Any] | None]
    seen_at: Mapped[datetime] = mapped_column(index=True)
