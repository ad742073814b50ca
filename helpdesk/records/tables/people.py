"""Who may log in, and what they said messages mean."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship

from helpdesk.records.clock import now
from helpdesk.records.roles import Role
from helpdesk.records.tables.base import Table
from helpdesk.records.tables.faq import Intent


class Staff(Table):
    """Someone who may log in. `session_token` changes at logout, which ends every session of theirs."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint(f"role IN ({', '.join(map(repr, map(str, Role)))})", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    session_token: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16), default=Role.LABELLER, server_default=Role.ADMIN)
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoginFailure(Table):
    """One refused login, kept to slow down guessing across all worker processes."""

    __tablename__ = "login_failures"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), index=True)
    address: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class SignIn(Table):
    """Somebody logged in. Forgotten after a while: addresses are nobody's business for ever."""

    __tablename__ = "sign_ins"
    __table_args__ = (Index("ix_sign_ins_staff_id_at", "staff_id", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(300))


class OneTimeLink(Table):
    """A link that can be used once: an invitation with a role, or a new password for somebody. Its use deletes it.

    `token_hash`: SHA-256 of what the address holds, in hexadecimal.
    """

    __tablename__ = "one_time_links"
    __table_args__ = (CheckConstraint("(staff_id IS NULL) = (role IS NOT NULL)", name="role"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str | None] = mapped_column(String(16))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    author: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class AuditLogRow(Table):
    """Append-only: one action of somebody who is logged in, or of a command."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    author: Mapped[str] = mapped_column(String(80), index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    subject: Mapped[str] = mapped_column(String(200))
    details: Mapped[dict[str, Any]]


class Label(Table):
    """A staff member's word on what a message meant. A label that no longer counts stays, with `undone_at`.

    `superseded_by` is the label that counts in its place, `excluded_by` the exclusion that took it out; a label that
    has neither and does not count was taken back. `seen` is the newest label that its text had on the card it was given
    on, 0 for none and NULL before it was kept: one person says one thing on one card, however often the form is sent.
    `published`: it was given with a new FAQ, which was published so.

    Kinds: `intent`, `out_of_scope` and `not_a_question` say what the message meant, and the last one teaches nothing.
    `skip` puts it off, `flag` asks somebody else to look, for what `note` says; neither counts as said.
    """

    __tablename__ = "labels"
    __table_args__ = (
        CheckConstraint("kind IN ('intent', 'out_of_scope', 'not_a_question', 'skip', 'flag')", name="kind"),
        CheckConstraint("split IN ('train', 'holdout', 'neither')", name="split"),
        CheckConstraint("(kind = 'intent') = (intent_id IS NOT NULL)", name="intent_id"),
        CheckConstraint("(kind = 'flag') = (note IS NOT NULL)", name="note"),
        Index("uq_labels_text_staff_seen", "text_key", "staff_id", "seen", unique=True),
        Index("ix_labels_staff_id_id", "staff_id", "id"),
        Index("ix_labels_kind_id", "kind", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    text: Mapped[str]
    normalised: Mapped[str]
    text_key: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    intent_id: Mapped[int | None] = mapped_column(ForeignKey("intents.id", ondelete="CASCADE"), index=True)
    split: Mapped[str] = mapped_column(String(16))
    group_key: Mapped[str] = mapped_column(String(64), index=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    undone_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(ForeignKey("labels.id"), index=True)
    excluded_by: Mapped[int | None] = mapped_column(ForeignKey("exclusions.id"), index=True)
    seen: Mapped[int | None]
    note: Mapped[str | None]
    published: Mapped[bool] = mapped_column(default=False, server_default=false())
    intent: Mapped[Intent | None] = relationship()
    staff: Mapped["Staff"] = relationship()


class CardLease(Table):
    """Who looks at a text on the labelling desk: one person at a text, and one text a person, until it runs out."""

    __tablename__ = "card_leases"

    token: Mapped[str] = mapped_column(String(16), primary_key=True)
    text_key: Mapped[str] = mapped_column(String(32), unique=True)
    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), unique=True)
    until: Mapped[datetime]


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
