"""Logins, and slowing down guesses."""

import sqlite3
from contextlib import suppress
from datetime import timedelta

import pytest
from homes import CHEAP
from sqlalchemy import func, select

from helpdesk.errors import BadInputError, ConflictError, TooManyError
from helpdesk.records import logins, passwords, staff
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.tables import LoginFailure

PASSWORD = "correct horse battery"


def attempt(database: Database, name: str, password: str, address: str = "10.0.0.1") -> bool:
    """Whether a login works."""
    return logins.check_password(database, name, password=password, address=address) is not None


class WatchfulHasher:
    """Hashes as tests do, and notes each time whether somebody else could write meanwhile."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.free: list[bool] = []

    def hash(self, password: str) -> str:
        self._look()
        return CHEAP.hash(password)

    def verify(self, hashed: str, password: str) -> bool:
        self._look()
        return CHEAP.verify(hashed, password)

    def _look(self) -> None:
        if self._database.dialect == "sqlite":
            other = sqlite3.connect(str(self._database.engine.url.database), timeout=0, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
                self.free.append(True)
            except sqlite3.OperationalError:
                self.free.append(False)
            other.close()
        else:
            pool = self._database.engine.pool
            self.free.append(pool.checkedout() == 0)  # type: ignore[attr-defined]


@pytest.fixture
def free_while_hashing(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each hashing whether the database was free meanwhile."""
    hasher = WatchfulHasher(database)
    monkeypatch.setattr(passwords, "_HASHER", hasher)
    return hasher.free


def test_only_the_right_password_opens(database: Database) -> None:
    """A wrong password and an unknown name are refused alike."""
    with database.write() as session:
        staff.add_staff(session, "ann", password=PASSWORD)

    assert attempt(database, "ann", PASSWORD)
    assert not attempt(database, "ann", PASSWORD + "x")
    assert not attempt(database, "bob", PASSWORD)


def test_passwords_are_not_stored(database: Database) -> None:
    """Only an argon2id hash is."""
    with database.write() as session:
        stored = staff.add_staff(session, "ann", password=PASSWORD).password_hash

    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored


def test_whoever_guesses_waits_ever_longer(database: Database) -> None:
    """One name from one address; every process sees it through the database."""
    with simulated_time() as clock:
        clock.set(now())
        for _ in range(logins.FREE_BY_NAME):
            assert not attempt(database, "ann", "guess")
        waits = []
        for _ in range(4):
            with database.read() as session:
                clock.set(session.scalars(select(func.max(LoginFailure.at))).one())
            with pytest.raises(TooManyError) as refused:
                attempt(database, "ann", "guess")
            waits.append(refused.value.seconds)
            clock.set(now() + timedelta(seconds=refused.value.seconds))
            assert not attempt(database, "ann", "guess")

    assert waits == [4, 8, 16, 32]


def test_nobody_else_is_locked_out(database: Database) -> None:
    """Neither the person whose name is guessed, elsewhere, nor other people at the same address."""
    with database.write() as session:
        staff.add_staff(session, "ann", password=PASSWORD)
        staff.add_staff(session, "bob", password=PASSWORD)
    with suppress(TooManyError):
        for _ in range(50):
            attempt(database, "ann", "guess")

    assert attempt(database, "ann", PASSWORD, address="10.0.0.9")
    assert attempt(database, "bob", PASSWORD)


def test_no_lock_is_held_while_a_password_is_hashed(database: Database, free_while_hashing: list[bool]) -> None:
    """At every door: a new login, a new password, a login, a link."""
    with database.write() as session:
        staff.add_staff(session, "ann", password=PASSWORD)
    with database.write() as session:
        staff.set_password(session, "ann", password="another long one", author="ann")
    attempt(database, "ann", "another long one")

    assert free_while_hashing == [True] * 3


def test_a_new_password_ends_every_session(database: Database) -> None:
    """Old cookies name nobody."""
    with database.write() as session:
        token = staff.add_staff(session, "ann", password=PASSWORD).session_token
        assert staff.find_by_token(session, token) is not None
        staff.set_password(session, "ann", password="another long one", author="ann")

        assert staff.find_by_token(session, token) is None


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("", PASSWORD),
        (" ", PASSWORD),
        ("a" * 81, PASSWORD),
        ("ann\u200b", PASSWORD),
        ("Taken ", PASSWORD),
        ("Command line", PASSWORD),
        ("ann", "short"),
        ("ann", "password1234"),
        ("annabelle jones", "annabelle jones"),
        ("ann", "helpdeskhelpdesk"),
    ],
)
def test_bad_logins_are_not_made(database: Database, name: str, password: str) -> None:
    """Empty, taken or misleading names and passwords that are easy to guess are refused."""
    with database.write() as session:
        staff.add_staff(session, "taken", password=PASSWORD)
        with pytest.raises((BadInputError, ConflictError)):
            staff.add_staff(session, name, password=password)


@pytest.mark.parametrize(("failures", "closed"), [(-1, False), (0, True)])
def test_an_address_that_guesses_many_names_has_to_wait(database: Database, failures: int, closed: bool) -> None:
    """For every name, none of which failed often; other addresses go on."""
    number = logins.FREE_BY_ADDRESS + failures
    with database.write() as session:
        session.add_all(LoginFailure(name=f"guess {name}", address="10.0.0.1") for name in range(number))
    with database.read() as session:
        assert bool(logins.seconds_to_wait(session, "ann", address="10.0.0.1")) is closed
        assert not logins.seconds_to_wait(session, "ann", address="10.0.0.9")


def test_failures_are_forgotten_after_a_while(database: Database) -> None:
    """A quarter of an hour, by name and by address."""
    old = now() - timedelta(minutes=16)
    with database.write() as session:
        session.add_all(LoginFailure(name="ann", address="10.0.0.1", at=old) for _ in range(90))
    with database.read() as session:
        assert logins.seconds_to_wait(session, "ann", address="10.0.0.1") == 0
