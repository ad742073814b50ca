"""Files that people uploaded, until what is in them is stored or forgotten."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class Upload(Table):
    """One import of somebody: its files wait until it is confirmed, and then there is a receipt. Gone after `until`."""

    __tablename__ = "uploads"

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    until: Mapped[datetime] = mapped_column(index=True)
    receipt: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    files: Mapped[list["UploadedFile"]] = relationship(
        order_by="UploadedFile.id", cascade="all, delete-orphan", passive_deletes=True
    )


class UploadedFile(Table):
    """One file of an upload, as it came."""

    __tablename__ = "uploaded_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    upload_id: Mapped[int] = mapped_column(ForeignKey("uploads.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    content: Mapped[bytes]
