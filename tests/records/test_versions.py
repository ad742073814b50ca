"""What serves is the newest promotion, and the past cannot be rewritten."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records import versions
from helpdesk.records.clock import simulated_time
from helpdesk.records.database import Database


def add(database: Database, *names: str) -> list[int]:
    """Versions with these directories; their ids."""
    with database.write() as session:
        return [
            versions.add_version(
                session, name, kind="first", parent_id=None, rows_hash="0", verdict="promote", report={}
            ).id
            for name in names
        ]


def promote(database: Database, *ids: int) -> None:
    """Promote these in turn."""
    for version_id in ids:
        with database.write() as session:
            versions.promote(session, version_id, reason="test", author="test")


def test_the_newest_promotion_serves(database: Database) -> None:
    """Not the newest version, not a name: the newest promotion row."""
    first, second = add(database, "a", "b")
    promote(database, second, first)

    with database.read() as session:
        current = versions.current(session)
    assert current is not None
    assert (current.version_id, current.directory) == (first, "a")


def test_nothing_serves_before_the_first_promotion(database: Database) -> None:
    """A version alone does not serve."""
    add(database, "a")

    with database.read() as session:
        assert versions.current(session) is None


def test_whatever_served_at_a_moment_or_since_counts(database: Database) -> None:
    """A version that was promoted long before and replaced after the moment is among them; what went before is not."""
    a, b, c = add(database, "a", "b", "c")
    with simulated_time() as clock:
        start = clock.read()
        for day, version in ((0, a), (1, b), (40, c)):
            clock.set(start + timedelta(days=day))
            promote(database, version)
        with database.read() as session:
            served = versions.served_since(session, start + timedelta(days=12))

    assert list(served.items()) == [(c, "c"), (b, "b")]


def test_rolling_back_twice_goes_back_two_versions(database: Database) -> None:
    """A rollback is a promotion too, but is not what the next rollback returns to."""
    a, b, c = add(database, "a", "b", "c")
    promote(database, a, b, c)
    for expected in (b, a):
        with database.read() as session:
            target = versions.rollback_target(session)
        promote(database, target)
        assert target == expected

    with database.read() as session, pytest.raises(ConflictError, match="no earlier version"):
        versions.rollback_target(session)


def test_after_a_rollback_a_new_version_rolls_back_to_what_served(database: Database) -> None:
    """The version that was rolled back is not returned to."""
    a, b, c = add(database, "a", "b", "c")
    promote(database, a, b, a, c)

    with database.read() as session:
        assert versions.rollback_target(session) == a


@pytest.mark.parametrize("statement", ["UPDATE promotions SET version_id = 1", "DELETE FROM promotions"])
def test_the_database_itself_refuses_to_rewrite_promotions(database: Database, statement: str) -> None:
    """Promotions are append-only, whoever asks."""
    promote(database, *add(database, "a"))

    with pytest.raises(DatabaseError, match="append-only"), database.write() as session:
        session.execute(text(statement))


def test_an_unknown_version_cannot_be_promoted(database: Database) -> None:
    """The error names it."""
    with pytest.raises(NotFoundError, match="no version 99"):
        promote(database, 99)
