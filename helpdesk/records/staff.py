"""Logging in: names, passwords and sessions; guessing is slowed down across all processes."""

import secrets
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log, passwords
from helpdesk.records.audit_log import COMMAND_LINE
from helpdesk.records.clock import now
from helpdesk.records.roles import Role
from helpdesk.records.tables import LoginFailure, Staff

MAX_FAILURES = 10
LOGIN_WINDOW = timedelta(minutes=15)
MAX_NAME = 80
RESERVED = ("command line", "night", "nobody", "import")  # authors of what no person did


def add_staff(
    session: Session, name: str, *, password: str, role: Role = Role.LABELLER, author: str = COMMAND_LINE
) -> Staff:
    """A new login. Raises BadInputError for a name or a password that will not do, ConflictError for a taken name."""
    name = free_name(session, name)
    hashed = passwords.hash_password(password, name=name)
    staff = Staff(name=name, password_hash=hashed, session_token=secrets.token_urlsafe(), role=role)
    session.add(staff)
    session.flush()
    audit_log.note(session, "person.added", author=author, subject=name, role=str(role))
    return staff


def free_name(session: Session, name: str) -> str:
    """A name as it is stored, when nobody has it; `Ann` and `ann` are one name to people.

    Raises BadInputError when it is no name, ConflictError when it is taken.
    """
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise BadInputError(f"name {name!r:.100}; expected 1 to {MAX_NAME} characters that can be seen")
    if name.casefold() in RESERVED:
        raise BadInputError(f"name {name!r}; that is who the log names for what no person did")
    if name.casefold() in {taken.casefold() for taken in session.scalars(select(Staff.name))}:
        raise ConflictError(f"there is a login {name!r} already; expected another name")
    return name


def find_staff(session: Session, name: str) -> Staff:
    """The login of that name. Raises NotFoundError."""
    staff = session.scalar(select(Staff).where(Staff.name == name))
    if staff is None:
        raise NotFoundError(f"no login {name!r}; `helpdesk staff list` shows them all")
    return staff


def set_password(session: Session, name: str, *, password: str, author: str) -> Staff:
    """Change a password and end every session of that login. Raises NotFoundError, BadInputError."""
    staff = find_staff(session, name)
    staff.password_hash = passwords.hash_password(password, name=name)
    end_sessions(staff)
    audit_log.note(session, "person.password_changed", author=author, subject=name)
    return staff


def end_sessions(staff: Staff) -> None:
    """Make every cookie of this login worthless."""
    staff.session_token = secrets.token_urlsafe()


def check_login(session: Session, name: str, *, password: str, address: str) -> Staff | None:
    """The login when the password is right, else None, noted as a failure. Takes as long for unknown names.

    The failure that closes the door for a while is in the log of who changed what.
    """
    staff = session.scalar(select(Staff).where(Staff.name == name, Staff.active))
    right = passwords.matches(staff.password_hash if staff else None, password)
    if staff is not None and right:
        return staff
    session.add(LoginFailure(name=name[:MAX_NAME], address=address[:64]))
    session.flush()
    if too_many_failures(session, name, address=address):
        subject = staff.name if staff else "an unknown name"  # a password may have been typed there
        audit_log.note(session, "login.closed", author="nobody", subject=subject)
    return None


def too_many_failures(session: Session, name: str, *, address: str) -> bool:
    """Whether this name or this address failed too often lately. Ask before hashing anything."""
    recent = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > now() - LOGIN_WINDOW)
    by_name = session.scalar(recent.where(LoginFailure.name == name[:MAX_NAME])) or 0
    by_address = session.scalar(recent.where(LoginFailure.address == address[:64])) or 0
    return by_name >= MAX_FAILURES or by_address >= 5 * MAX_FAILURES


def find_by_token(session: Session, token: str) -> Staff | None:
    """The active login behind a session cookie."""
    return session.scalar(select(Staff).where(Staff.session_token == token, Staff.active))
