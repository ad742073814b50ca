"""Managing who may log in and what they may do. Somebody who may do so is always left."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError
from helpdesk.records import audit_log, card_leases
from helpdesk.records.roles import Role
from helpdesk.records.sign_ins import last_sign_ins
from helpdesk.records.staff import end_sessions, find_staff
from helpdesk.records.tables import Label, OneTimeLink, Staff


@dataclass(frozen=True)
class Person:
    """Somebody who may log in, or might. last_sign_in: None when there was none in 90 days; labels: that they gave,
    what they put off or flagged not counted."""

    id: int
    name: str
    role: Role
    active: bool
    created_at: datetime
    last_sign_in: datetime | None
    labels: int


def list_people(session: Session) -> list[Person]:
    """Everybody, by name; whoever is disabled comes last."""
    said = select(Label.staff_id, func.count()).where(Label.kind.not_in(("skip", "flag"))).group_by(Label.staff_id)
    labels = dict(session.execute(said).tuples().all())
    seen = last_sign_ins(session)
    found = [
        Person(row.id, row.name, Role(row.role), row.active, row.created_at, seen.get(row.id), labels.get(row.id, 0))
        for row in session.scalars(select(Staff))
    ]
    return sorted(found, key=lambda person: (not person.active, person.name.casefold()))


def set_role(session: Session, name: str, role: Role, *, author: str, seen: Role | None = None) -> Staff:
    """Give somebody a role; what they may do changes with their next request. Saying it again changes nothing.

    seen: the role that the author saw them have. Raises ConflictError when they have another one by now, when it is
    the author's own, and when no active admin would be left; NotFoundError for an unknown name.
    """
    admins = lock_admins(session)
    staff = find_staff(session, name)
    before = Role(staff.role)
    if before == role:
        return staff
    if staff.name == author:
        raise ConflictError("nobody changes their own role; another admin can")
    if seen is not None and before != seen:
        raise ConflictError(f"{name} is {before} by now, not {seen}; look again before you change it")
    _require_another_admin(admins, staff, "get another role")
    staff.role = role
    audit_log.note(session, "person.role_changed", author=author, subject=name, before=str(before), after=str(role))
    return staff


def disable(session: Session, name: str, *, author: str) -> Staff:
    """Let somebody in no more: sessions end, links are void, the card they look at is free. What they did stays.

    Raises ConflictError when it is the author or no active admin would be left; NotFoundError for an unknown name.
    """
    admins = lock_admins(session)
    staff = find_staff(session, name)
    if not staff.active:
        return staff
    if staff.name == author:
        raise ConflictError("nobody disables themselves; another admin can")
    _require_another_admin(admins, staff, "be disabled")
    staff.active = False
    end_sessions(staff)
    card_leases.free(session, staff_id=staff.id)
    session.execute(delete(OneTimeLink).where(OneTimeLink.staff_id == staff.id))
    audit_log.note(session, "person.disabled", author=author, subject=name)
    return staff


def enable(session: Session, name: str, *, author: str) -> Staff:
    """Let somebody in again, with the password and the role they had. Raises NotFoundError for an unknown name."""
    lock_admins(session)
    staff = find_staff(session, name)
    if not staff.active:
        staff.active = True
        audit_log.note(session, "person.enabled", author=author, subject=name)
    return staff


def lock_admins(session: Session) -> set[int]:
    """Ids of the active admins; whoever else manages people waits until this transaction ends."""
    admins = select(Staff.id).where(Staff.active, Staff.role == Role.ADMIN)
    return set(session.scalars(admins.order_by(Staff.id).with_for_update()))


def _require_another_admin(admins: set[int], staff: Staff, what: str) -> None:
    if admins == {staff.id}:
        raise ConflictError(f"{staff.name} is the only active admin and cannot {what}; make somebody else admin first")
