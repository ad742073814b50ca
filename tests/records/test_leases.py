"""A lease has one living holder, on both databases; a dead one never stands in the way."""

import threading
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from helpdesk.errors import BusyError
from helpdesk.records import leases
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.leases import Holder
from helpdesk.records.tables import Lease

HERE = Holder("one", "alpha", 100, "alpha:1:2")
ELSEWHERE = Holder("two", "beta", 100, "beta:1:2")


def take(database: Database, holder: Holder, *, seconds: float = 60) -> None:
    """Take the lease in a transaction of its own."""
    with database.write() as session:
        leases.take(session, "night", holder=holder, seconds=seconds)


def expiry(database: Database) -> datetime:
    """When the lease runs out."""
    with database.read() as session:
        return session.scalars(select(Lease.expires_at)).one()


def test_a_living_holder_keeps_others_out_and_is_named(database: Database) -> None:
    """Process, host and time, so that somebody can go and look."""
    take(database, HERE)

    with pytest.raises(BusyError, match=r"process 100 on alpha since \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
        take(database, ELSEWHERE)


def test_a_lease_that_ran_out_is_anybodys(database: Database) -> None:
    """And its former holder learns that it was lost."""
    take(database, HERE, seconds=0)
    take(database, ELSEWHERE)

    with pytest.raises(BusyError, match="another one took over"), database.write() as session:
        leases.renew(session, "night", owner=HERE.owner, seconds=60)


def test_who_holds_the_lock_file_need_not_wait_for_a_dead_holder(database: Database) -> None:
    """The same lock file: the holder is dead, however long its lease would last, whatever its number was.

    In a container every run may have the same one. Threads of one process never both hold the file.
    """
    take(database, HERE)
    take(database, replace(HERE, owner="three"))
    take(database, replace(HERE, owner="four", process_id=101))

    with pytest.raises(BusyError, match="process 101"):
        take(database, ELSEWHERE)


def test_renewing_moves_the_expiry_and_releasing_ends_it(database: Database) -> None:
    """The heartbeat, and the end of a run."""
    take(database, HERE, seconds=1)
    with database.write() as session:
        leases.renew(session, "night", owner=HERE.owner, seconds=600)
    assert expiry(database) > now() + timedelta(seconds=300)

    with database.write() as session:
        leases.release(session, "night", owner=ELSEWHERE.owner)
    assert expiry(database) > now() + timedelta(seconds=300)
    with database.write() as session:
        leases.release(session, "night", owner=HERE.owner)
    take(database, ELSEWHERE)


def test_of_many_who_want_it_at_once_one_gets_it(database: Database) -> None:
    """Also when there has never been a lease."""
    outcomes: list[str] = []
    barrier = threading.Barrier(6)

    def run(number: int) -> None:
        barrier.wait()
        try:
            take(database, Holder(f"owner-{number}", f"host-{number}", number, f"place-{number}"))
            outcomes.append("got it")
        except BusyError:
            outcomes.append("busy")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["busy"] * 5 + ["got it"]
