"""Links that let somebody in once: invitations, and new passwords. Only hashes of their tokens are stored."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.clock import now
from helpdesk.records.people import lock_admins
from helpdesk.records.roles import Role
from helpdesk.records.staff import add_hashed, find_staff, free_name, set_password_hash
from helpdesk.records.tables import OneTimeLink, Staff

VALID = timedelta(days=7)
GONE = "this link was used, withdrawn or replaced, or is older than 7 days; log in, or ask for a new one"


@dataclass(frozen=True)
class NewLink:
    """A link that was just made; its token is known here alone. replaced: one made before is void now."""

    token: str
    name: str
    replaced: bool


def invite(session: Session, name: str, *, role: Role, author: str) -> NewLink:
    """A link by which `name` joins with a role. One made for that name before is void.

    Raises BadInputError for a name that will not do, ConflictError when somebody has it.
    """
    lock_admins(session)
    name = free_name(session, name)
    audit_log.note(session, "person.invited", author=author, subject=name, role=str(role))
    return _make(session, OneTimeLink(name=name, role=role, author=author))


def offer_new_password(session: Session, name: str, *, author: str) -> NewLink:
    """A link by which somebody sets a new password; until then the old one works. One made before is void.

    Raises NotFoundError for an unknown name, ConflictError when they are disabled.
    """
    lock_admins(session)
    staff = find_staff(session, name)
    if not staff.active:
        raise ConflictError(f"{name} is disabled; enable them first")
    audit_log.note(session, "person.password_link", author=author, subject=name)
    return _make(session, OneTimeLink(name=staff.name, staff_id=staff.id, author=author))


def open_invitations(session: Session) -> list[OneTimeLink]:
    """Invitations that can still be used, newest first."""
    valid = select(OneTimeLink).where(OneTimeLink.staff_id.is_(None), OneTimeLink.expires_at > now())
    return list(session.scalars(valid.order_by(OneTimeLink.id.desc())))


def withdraw(session: Session, link_id: int, *, author: str) -> None:
    """Make an invitation void. One that is gone stays gone."""
    name = session.scalar(delete(OneTimeLink).where(OneTimeLink.id == link_id).returning(OneTimeLink.name))
    if name is not None:
        audit_log.note(session, "person.uninvited", author=author, subject=name)


def find_link(session: Session, token: str) -> OneTimeLink:
    """The link of a token, which is found by its hash. Raises NotFoundError when it cannot be used (any more)."""
    link = session.scalar(select(OneTimeLink).where(*_valid(token)))
    if link is None:
        raise NotFoundError(GONE)
    return link


def use_link(session: Session, token: str, *, name: str, hashed: str) -> Staff:
    """The new login of an invitation, or the one that got a new password; the link cannot be used again.

    name: of a new login; hashed: the new password, by `passwords.hash_password`. Raises NotFoundError when the link
    cannot be used, and what a new login raises; with the transaction rolled back the link stays.
    """
    link = session.scalar(delete(OneTimeLink).where(*_valid(token)).returning(OneTimeLink))
    if link is None:
        raise NotFoundError(GONE)
    if link.role is None:
        return set_password_hash(session, link.name, hashed=hashed, author=link.name)
    return add_hashed(session, name, hashed=hashed, role=Role(link.role), author=link.author)


def _make(session: Session, link: OneTimeLink) -> NewLink:
    """Store it in place of the one that the same person was given before, and of what nobody can use any more."""
    session.execute(delete(OneTimeLink).where(OneTimeLink.expires_at <= now()))
    same = OneTimeLink.name == link.name, OneTimeLink.staff_id.is_not_distinct_from(link.staff_id)
    replaced = bool(session.scalars(delete(OneTimeLink).where(*same).returning(OneTimeLink.id)).all())
    token = secrets.token_urlsafe(32)
    link.token_hash, link.expires_at = _hash(token), now() + VALID
    session.add(link)
    session.flush()
    return NewLink(token, link.name, replaced)


def _valid(token: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return OneTimeLink.token_hash == _hash(token), OneTimeLink.expires_at > now()


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
