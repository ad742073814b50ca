"""Checking passwords so that whoever guesses has to wait ever longer, and nobody else does.

What failed counts by name and address together, by address, and by name; of IPv6 an address is its network. A name that
is guessed from everywhere has to wait only where its person never logged in: guesses do not lock out whose name it is.
An attempt is written down before the password is checked, so that many at once are counted too; checking takes long on
purpose, and no transaction is open meanwhile.
"""

import operator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from helpdesk.errors import TooManyError
from helpdesk.records import audit_log, passwords
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.networks import network_of
from helpdesk.records.staff import MAX_NAME
from helpdesk.records.tables import LoginFailure, SignIn, Staff

LOGIN_WINDOW = timedelta(minutes=15)
FREE_BY_NAME = 5  # failures of one name from one address before there is a wait
FREE_BY_ADDRESS = 50  # failures from one address, whatever the names: many people may share one
FREE_ANYWHERE = 100  # failures of one name from all addresses together
FIRST_WAIT = 4  # seconds; doubled with each further failure
LONGEST_ANYWHERE = timedelta(minutes=1)  # so that its person gets a turn in a new place too
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
    name, address = name[:MAX_NAME], network_of(address)[:MAX_ADDRESS]
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
    free = (FREE_BY_NAME, FREE_BY_ADDRESS, FREE_ANYWHERE)
    if any(map(operator.eq, _failures(session, attempt.name, attempt.address), free)):
        subject = attempt.staff.name if attempt.staff else "an unknown name"  # a password may have been typed there
        audit_log.note(session, "login.closed", author="nobody", subject=subject)
    return None


def seconds_to_wait(session: Session, name: str, *, address: str) -> int:
    """How long somebody at this address has to wait before they may try this name, in seconds."""
    name, address = name[:MAX_NAME], network_of(address)[:MAX_ADDRESS]
    by_name, by_address, anywhere = _failures(session, name, address)
    named, here = LoginFailure.name == name, LoginFailure.address == address
    waits = [
        _seconds_left(session, named & here, beyond=by_name - FREE_BY_NAME, longest=LOGIN_WINDOW),
        _seconds_left(session, here, beyond=by_address - FREE_BY_ADDRESS, longest=LOGIN_WINDOW),
    ]
    if anywhere >= FREE_ANYWHERE and not _was_here(session, name, address):
        waits.append(_seconds_left(session, named, beyond=anywhere - FREE_ANYWHERE, longest=LONGEST_ANYWHERE))
    return max(waits)


def _failures(session: Session, name: str, address: str) -> tuple[int, int, int]:
    """Failures of the last while: of this name from this address, from this address at all, of this name at all."""
    named, here = LoginFailure.name == name, LoginFailure.address == address
    recent = LoginFailure.at > now() - LOGIN_WINDOW
    both, of_address, of_name = (func.count().filter(which) for which in (named & here, here, named))
    return session.execute(select(both, of_address, of_name).where(recent, named | here)).tuples().one()


def _seconds_left(session: Session, which: ColumnElement[bool], *, beyond: int, longest: timedelta) -> int:
    """What is left of the wait after the newest of these failures; beyond: how many there are more than are free."""
    if beyond < 0:
        return 0
    newest = session.scalar(select(func.max(LoginFailure.at)).where(which, LoginFailure.at > now() - LOGIN_WINDOW))
    if newest is None:
        return 0
    wait = min(longest, timedelta(seconds=FIRST_WAIT * 2 ** min(beyond, 16)))
    return max(0, -int(-(newest + wait - now()).total_seconds() // 1))


def _was_here(session: Session, name: str, network: str) -> bool:
    """Whether the person of that name logged in from this network lately."""
    theirs = select(SignIn.address).join(Staff, Staff.id == SignIn.staff_id).where(Staff.name == name).distinct()
    return any(network_of(address) == network for address in session.scalars(theirs))
