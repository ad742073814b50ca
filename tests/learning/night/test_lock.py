"""A night holds its lease while it lives: a heartbeat renews it, and stops once another run has taken over."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from helpdesk.learning.night import lock
from helpdesk.learning.night.lock import one_night
from helpdesk.records.database import Database
from helpdesk.records.tables import Lease


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty beats a second."""
    monkeypatch.setattr(lock, "BEAT_SECONDS", 0.05)


def expiry(database: Database) -> datetime:
    """When the lease runs out."""
    with database.read() as session:
        return session.scalars(select(Lease.expires_at)).one()


def beating() -> bool:
    """Is there a heartbeat?"""
    return any(thread.name == "heartbeat" for thread in threading.enumerate())


def comes_true(condition: Callable[[], bool]) -> bool:
    """Within ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def test_a_night_at_work_renews_its_lease(database: Database, tmp_path: Path) -> None:
    """Whatever the night does meanwhile; afterwards nothing beats and another may begin at once."""
    with one_night(tmp_path / "lock", database):
        first = expiry(database)
        assert comes_true(lambda: expiry(database) > first)

    assert not beating()
    with one_night(tmp_path / "lock", database):
        pass


def test_a_lost_lease_is_not_taken_back(database: Database, tmp_path: Path) -> None:
    """The heart stops beating, and the lease stays the other's when the night ends."""
    with one_night(tmp_path / "lock", database) as lease:
        with database.write() as session:
            session.execute(update(Lease).values(owner="another"))
        assert comes_true(lambda: not beating())
        assert lease.is_lost()

    with database.read() as session:
        assert session.scalars(select(Lease.owner)).one() == "another"
