"""Keys of programs and of sites."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from helpdesk.records.clock import now
from helpdesk.records.tables.base import Table


class ApiKey(Table):
    """A key that programs (`server`) or the pages of a site (`site`) send along.

    token_hash: SHA-256 of the key, in hexadecimal; prefix: how it begins, for people to recognise; scopes: what it may
    be used for; origins: of the pages that may send a site's key. `last_used_at` lags behind by some minutes. A revoked
    key stays, because the log names it; its name is free.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        CheckConstraint("kind IN ('server', 'site')", name="kind"),
        Index(
            "uq_api_keys_name_in_use",
            "name",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(16))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    origins: Mapped[list[Any]]
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
