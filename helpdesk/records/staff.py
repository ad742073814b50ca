"""Who may log in. Passwords are kept as argon2id hashes; guessing is slowed down across all processes."""

import secrets
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records.clock import now
from helpdesk.records.roles import Role
from helpdesk.records.tables import LoginFailure, Staff

MAX_FAILURES = 10
LOGIN_WINDOW = timedelta(minutes=15)
MIN_PASSWORD = 10
_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash(secrets.token_urlsafe())


def add_staff(session: Session, name: str, *, password: str, role: Role = Role.LABELLER) -> Staff:
    """A new login. Raises BadInputError for an empty or taken name or a short password."""
    if not name.strip() or len(name) > 80:
        raise BadInputError(f"name {name!r}; expected 1 to 80 characters")
    if session.scalar(select(Staff.id).where(Staff.name == name)) is not None:
        raise BadInputError(f"there is a login {name!r} already; `helpdesk staff password` changes it")
    staff = Staff(name=name, password_hash=_hash(password), session_token=secrets.token_urlsafe(), role=role)
    session.add(staff)
    session.flush()
    return staff


def set_password(session: Session, name: str, *, password: str) -> None:
    """Change a password and end every session of that login."""
    staff = session.scalar(select(Staff).where(Staff.name == name))
    if staff is None:
        raise NotFoundError(f"no login {name!r}")
    staff.password_hash = _hash(password)
    end_sessions(staff)


def end_sessions(staff: Staff) -> None:
    """Make every cookie of this login worthless."""
    staff.session_token = secrets.token_urlsafe()


def check_login(session: Session, name: str, *, password: str, address: str) -> Staff | None:
    """The login when the password is right, else None, noted as a failure. Takes as long for unknown names."""
    staff = session.scalar(select(Staff).where(Staff.name == name, Staff.active))
    right = _matches(staff.password_hash if staff else _NOBODY, password)
    if staff is not None and right:
        return staff
    session.add(LoginFailure(name=name[:80], address=address[:64]))
    return None


def too_many_failures(session: Session, name: str, *, address: str) -> bool:
    """Whether this name or this address failed too often lately. Ask before hashing anything."""
    recent = select(func.count()).select_from(LoginFailure).where(LoginFailure.at > now() - LOGIN_WINDOW)
    by_name = session.scalar(recent.where(LoginFailure.name == name[:80])) or 0
    by_address = session.scalar(recent.where(LoginFailure.address == address[:64])) or 0
    return by_name >= MAX_FAILURES or by_address >= 5 * MAX_FAILURES


def find_by_token(session: Session, token: str) -> Staff | None:
    """The active login behind a session cookie."""
    return session.scalar(select(Staff).where(Staff.session_token == token, Staff.active))


def _hash(password: str) -> str:
    if len(password) < MIN_PASSWORD:
        raise BadInputError(f"password of {len(password)} characters; expected at least {MIN_PASSWORD}")
    return _HASHER.hash(password)


def _matches(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
