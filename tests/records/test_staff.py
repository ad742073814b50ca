"""Logins, and slowing down guesses."""

from datetime import timedelta

import pytest

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import LoginFailure

PASSWORD = "correct horse battery"


def attempt(database: Database, name: str, password: str) -> bool:
    """Whether a login works."""
    with database.write() as session:
        return staff.check_login(session, name, password=password, address="10.0.0.1") is not None


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


def test_many_failures_close_the_door_for_a_while(database: Database) -> None:
    """By name, shared by every process through the database."""
    for _ in range(staff.MAX_FAILURES):
        attempt(database, "ann", "guess")

    with database.read() as session:
        assert staff.too_many_failures(session, "ann", address="10.0.0.9")
        assert not staff.too_many_failures(session, "bob", address="10.0.0.9")


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


@pytest.mark.parametrize(("failures", "closed"), [(5 * staff.MAX_FAILURES - 1, False), (5 * staff.MAX_FAILURES, True)])
def test_an_address_that_guesses_many_names_is_stopped(database: Database, failures: int, closed: bool) -> None:
    """For every name, none of which failed often; other addresses go on."""
    with database.write() as session:
        session.add_all(LoginFailure(name=f"guess {number}", address="10.0.0.1") for number in range(failures))
    with database.read() as session:
        assert staff.too_many_failures(session, "ann", address="10.0.0.1") is closed
        assert not staff.too_many_failures(session, "ann", address="10.0.0.9")


def test_failures_are_forgotten_after_a_while(database: Database) -> None:
    """A quarter of an hour, by name and by address."""
    old = now() - timedelta(minutes=16)
    with database.write() as session:
        session.add_all(LoginFailure(name="ann", address="10.0.0.1", at=old) for _ in range(5 * staff.MAX_FAILURES))
    with database.read() as session:
        assert not staff.too_many_failures(session, "ann", address="10.0.0.1")
