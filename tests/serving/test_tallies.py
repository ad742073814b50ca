"""Counts of several processes: together they let through little more than a limit says."""

from limits import parse
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import select

from helpdesk.records import shared_counts
from helpdesk.records.database import Database
from helpdesk.records.tables import RateCount
from helpdesk.serving.tallies import AT_ONCE, Tallies
from helpdesk.web.limits import TallyStorage

LIMIT = parse("100/day")
PROCESSES = 3


def limiters(database: Database) -> list[tuple[Tallies, FixedWindowRateLimiter]]:
    """Processes over one database."""
    made = [Tallies(database) for _ in range(PROCESSES)]
    return [(tallies, FixedWindowRateLimiter(TallyStorage(tallies))) for tallies in made]


def test_a_limit_holds_over_all_processes(database: Database) -> None:
    """Within the uses that each may keep for itself."""
    passed = 0
    processes = limiters(database)
    for number in range(600):
        _, limiter = processes[number % PROCESSES]
        passed += limiter.test(LIMIT, "somebody") and limiter.hit(LIMIT, "somebody")
        if number % AT_ONCE == 0:  # what the thread of each does when it is woken
            for other, _ in processes:
                other.tell()

    assert 100 <= passed <= 100 + PROCESSES * AT_ONCE
    assert processes[0][1].test(LIMIT, "somebody else")


def test_few_uses_cost_the_database_nothing(database: Database) -> None:
    """Ordinary senders have no row."""
    ((tallies, limiter), *_) = limiters(database)
    for number in range(50):
        limiter.hit(LIMIT, f"sender {number}")
    tallies.tell()
    with database.write() as session:
        assert shared_counts.add_uses(session, []) == {}
        assert session.scalars(select(RateCount)).all() == []


def test_without_a_database_each_counts_for_itself(database: Database) -> None:
    """And tells what it counted once the database is back."""
    tallies, (other, limiter), *_ = (made for made in limiters(database))
    for _ in range(AT_ONCE):
        tallies[1].hit(LIMIT, "somebody")
    tallies[0].tell()
    limiter.hit(LIMIT, "somebody", cost=AT_ONCE)
    other.tell()

    assert other.uses(LIMIT.key_for("somebody"), LIMIT.get_expiry()) == 2 * AT_ONCE


def test_latencies_of_all_processes_are_one_histogram(database: Database) -> None:
    """Each message is in one bucket; the last one has no bound."""
    for tallies in (Tallies(database), Tallies(database)):
        tallies.took("match", 0.004)
        tallies.took("match", 60.0)
        tallies.tell()
    with database.read() as session:
        counts, seconds = shared_counts.latencies(session)["match"]

    assert (sum(counts), counts[-1], counts[2]) == (4, 2, 2)
    assert round(seconds, 3) == 120.008
