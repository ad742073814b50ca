"""Who may log in: names, passwords and sessions."""

import secrets

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log, passwords
from helpdesk.records.audit_log import COMMAND_LINE
from helpdesk.records.roles import Role
from helpdesk.records.tables import Staff

MAX_NAME = 80
RESERVED = ("command line", "night", "nobody", "import")  # authors of what no person did


def add_staff(
    session: Session, name: str, *, password: str, role: Role = Role.LABELLER, author: str = COMMAND_LINE
) -> Staff:
    """A new login. Raises BadInputError for a name or a password that will not do, ConflictError for a taken name.

    The password is hashed before anything is asked of the session: nothing is locked meanwhile if this comes first.
    """
    hashed = passwords.hash_password(password, name=name)
    return add_hashed(session, name, hashed=hashed, role=role, author=author)


def add_hashed(session: Session, name: str, *, hashed: str, role: Role, author: str) -> Staff:
    """A new login with a hash of `passwords.hash_password`. Raises as `free_name` does."""
    name = free_name(session, name)
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
    """Change a password and end every session of that login. Raises NotFoundError, BadInputError.

    The password is hashed before anything is asked of the session, as for a new login.
    """
    hashed = passwords.hash_password(password, name=name)
    return set_password_hash(session, name, hashed=hashed, author=author)


def set_password_hash(session: Session, name: str, *, hashed: str, author: str) -> Staff:
    """The same with a hash of `passwords.hash_password`. Raises NotFoundError."""
    staff = find_staff(session, name)
    staff.password_hash = hashed
    end_sessions(staff)
    audit_log.note(session, "person.password_changed", author=author, subject=name)
    return staff


def end_sessions(staff: Staff) -> None:
    """Make every cookie of this login worthless."""
    staff.session_token = secrets.token_urlsafe()


def find_by_token(session: Session, token: str) -> Staff | None:
    """The active login behind a session cookie."""
    return session.scalar(select(Staff).where(Staff.session_token == token, Staff.active))
