"""What was erased, and until when something of it is left."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class ErasureRow(Table):
    """One erasure of a sender, a conversation or a message: the certificate, without anything that was erased.

    subject: what was named, of a sender the SHA-256 of channel and name; counts: table -> rows; entries: names of FAQ
    entries whose question or imported phrasing says the same, which people must look at.
    traces: {"keys", "rows"}, by which bundles that still hold something are known; NULL once none does.
    clean_version_id: the first version in service that was built without it; compacted_at: when the freed pages of the
    database were overwritten; purged_at: when the last copy in bundles was gone.
    """

    __tablename__ = "erasures"
    __table_args__ = (CheckConstraint("scope IN ('sender', 'conversation', 'message')", name="scope"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(default=now)
    author: Mapped[str] = mapped_column(String(80))
    scope: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(80))
    counts: Mapped[dict[str, Any]]
    entries: Mapped[list[Any]]
    traces: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    clean_version_id: Mapped[int | None] = mapped_column(ForeignKey("versions.id"))
    clean_at: Mapped[datetime | None]
    compacted_at: Mapped[datetime | None]
    purged_at: Mapped[datetime | None]
