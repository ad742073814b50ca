"""Days that ended are counted once; reports and metrics say the same with them and without."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from helpdesk.records import conversations
from helpdesk.records.clock import simulated_time
from helpdesk.records.database import Database
from helpdesk.records.day_totals import FACTS, SETTLED, count_days, count_kinds, read_totals
from helpdesk.records.periods import Period
from helpdesk.records.tables import CountedDay, DecisionRow, Message

MONDAY = datetime(2026, 3, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ANSWER: dict[str, Any] = {"kind": "answer", "intent": "vpn", "confidence": 0.9, "reason": "confident"}
MISS: dict[str, Any] = {"kind": "fallback", "intent": None, "confidence": 0.1, "reason": "unsure"}


def say(database: Database, *moments: datetime, channel: str = "rest", **decision: Any) -> None:
    """Logged messages, one at each moment."""
    columns: dict[str, Any] = {"version_id": None, "out_of_scope": 0.0, "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        for moment in moments:
            message = conversations.log_message(
                session, "a", channel=channel, sender="u", external_id=None, decision=columns | decision
            )
            session.execute(update(Message).where(Message.id == message).values(created_at=moment))


def count(database: Database, at: datetime) -> int:
    """What a night at a moment counts."""
    with simulated_time() as clock:
        clock.set(at)
        return count_days(database)


def test_totals_say_what_the_messages_say(database: Database) -> None:
    """Over any period and channel, before and after some of its days were counted."""
    say(database, MONDAY, MONDAY + DAY, MONDAY + DAY * 3 + timedelta(hours=23), **ANSWER)
    say(database, MONDAY + DAY, MONDAY + DAY * 4, channel="web", **MISS)
    periods = [
        Period(None),
        Period(MONDAY + DAY, MONDAY + 2 * DAY),
        Period(MONDAY + DAY, None, "web"),
        Period(MONDAY + 4 * DAY, MONDAY + 9 * DAY),
        Period(MONDAY - 9 * DAY, MONDAY),
    ]

    asked = (FACTS, ("day", "kind", "reason"), ("kind", "reason", "intent"))

    def said() -> list[Any]:
        with database.read() as session:
            return [[read_totals(session, period, facts) for facts in asked] for period in periods]

    before = said()
    assert count(database, MONDAY + 4 * DAY + SETTLED) == 4
    assert said() == before
    assert [[found.total() for found in rows] for rows in before] == [[n] * 3 for n in (5, 2, 2, 1, 0)]


def test_a_day_is_counted_once_and_not_before_it_is_over(database: Database) -> None:
    """A night a minute after midnight leaves the day to the next one: a message of it may not be stored yet."""
    say(database, MONDAY, **ANSWER)

    assert count(database, MONDAY + DAY + timedelta(minutes=1)) == 0
    assert count(database, MONDAY + 2 * DAY) == 1
    assert count(database, MONDAY + 2 * DAY) == 0
    assert count(database, MONDAY + 5 * DAY + SETTLED) == 4


def test_days_to_come_are_not_counted(database: Database) -> None:
    """What a clock that ran ahead counted is given up once it is right again."""
    say(database, MONDAY, **ANSWER)
    count(database, MONDAY + 300 * DAY)
    count(database, MONDAY + DAY + SETTLED)

    with database.read() as session:
        assert list(session.scalars(select(CountedDay.day))) == [MONDAY.date()]


def test_counters_do_not_fall_when_messages_are_deleted(database: Database) -> None:
    """Their day was counted while they were there."""
    say(database, MONDAY, MONDAY, **ANSWER)
    say(database, MONDAY, **MISS)
    count(database, MONDAY + 2 * DAY)
    say(database, MONDAY + 2 * DAY, **MISS)
    with database.write() as session:
        session.execute(delete(DecisionRow).where(DecisionRow.kind == "answer"))

    with database.read() as session:
        assert count_kinds(session) == {"answer": 2, "fallback": 2}
