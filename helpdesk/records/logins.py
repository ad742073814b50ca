"""Checking passwords so that whoever guesses has to wait ever longer, and nobody else does.

What failed counts by name and address together, and by address. A name alone is never closed: somebody who guesses
elsewhere does not lock out the person whose name it is. An attempt is written down before the password is checked, so
that many at once are counted too; checking takes long on purpose, and no transaction is open meanwhile.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from helpdesk.errors import TooManyError
from helpdesk.records import audit_log, passwords
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.staff import MAX_NAME
from helpdesk.records.tables import LoginFailure, Staff

LOGIN_WINDOW = timedelta(minutes=15)
FREE_BY_NAME = 5  # failures of one name from one address before there is a wait
FREE_BY_ADDRESS = 50  # failures from one address, whatever the names: many people may share one
FIRST_WAIT = 4  # seconds; doubled with each further failure
MAX_ADDRESS = 64


@dataclass(frozen=True)
class LoginAttempt:
    """A login that is being checked, counted as failed until it is known to be right."""

    id: int
    name: str
    address: str
    staff: Staff | None


def check_password(database: Database, name: str, *, password: str, address: str) -> Staff | None:
    """The active login of that name when the password is right, else None. Takes as long for unknown names.

    Raises TooManyError when somebody at this address has to wait.
    """
    with database.write() as session:
        attempt = begin_attempt(session, name, address=address)
    right = passwords.matches(attempt.staff.password_hash if attempt.staff else None, password)
    with database.write() as session:
        return end_attempt(session, attempt, right=right)


def begin_attempt(session: Session, name: str, *, address: str) -> LoginAttempt:
    """Count an attempt before anything is hashed. Raises TooManyError when it comes too early."""
    name, address = name[:MAX_NAME], address[:MAX_ADDRESS]
    wait = seconds_to_wait(session, name, address=address)
    if wait > 0:
        raise TooManyError(f"too many attempts; try again in {wait} s", seconds=wait)
    failure = LoginFailure(name=name, address=address)
    session.add(failure)
    session.flush()
    staff = session.scalar(select(Staff).where(Staff.name == name, Staff.active))
    return LoginAttempt(failure.id, name, address, staff)


def end_attempt(session: Session, attempt: LoginAttempt, *, right: bool) -> Staff | None:
    """The login, when the password was right and is still the same; what failed stays counted.

    The failure after which somebody has to wait is in the log of who changed what.
    """
    if right and attempt.staff is not None:
        staff = session.get(Staff, attempt.staff.id)
        if staff is not None and staff.active and staff.password_hash == attempt.staff.password_hash:
            session.execute(delete(LoginFailure).where(LoginFailure.id == attempt.id))
            return staff
    by_name, by_address = _failures(session, attempt.name, attempt.address)
    if by_name == FREE_BY_NAME or by_address == FREE_BY_ADDRESS:
        subject = attempt.staff.name if attempt.staff else "an unknown name"  # a password may have been typed there
        audit_log.note(session, "login.closed", author="nobody", subject=subject)
    return None


def seconds_to_wait(session: Session, name: str, *, address: str) -> int:
    """How long somebody at this address has to wait before they may try this name, in seconds."""
    by_name, by_address = _failures(session, name[:MAX_NAME], address[:MAX_ADDRESS])
    beyond = max(by_name - FREE_BY_NAME, by_address - FREE_BY_ADDRESS)
    if beyond < 0:
        return 0
    here = LoginFailure.address == address[:MAX_ADDRESS]
    same = here & (LoginFailure.name == name[:MAX_NAME]) if by_name >= FREE_BY_NAME else here
    newest = session.scalar(select(func.max(LoginFailure.at)).where(same, LoginFailure.at > now() - LOGIN_WINDOW))
    if newest is None:
        return 0
    wait = min(LOGIN_WINDOW, timedelta(seconds=FIRST_WAIT * 2 ** min(beyond, 16)))
    return max(0, -int(-(newest + wait - now()).total_seconds() // 1))


def _failures(session: Session, name: str, address: str) -> tuple[int, int]:
    """Failures of the last while: of this name from this address, and from this address at all."""
    recent = LoginFailure.at > now() - LOGIN_WINDOW
    here: ColumnElement[bool] = LoginFailure.address == address
    counts = select(func.count(), func.count().filter(LoginFailure.name == name)).where(recent, here)
    by_address, by_name = session.execute(counts).one()
    return by_name, by_address
