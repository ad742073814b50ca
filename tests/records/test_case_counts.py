"""Hand-overs of a period by reason: how many, taken, closed, and how long they waited."""

from datetime import timedelta
from typing import Any

from sqlalchemy import update

from helpdesk.records import cases, conversations
from helpdesk.records.case_counts import CaseCount, read_case_counts
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.periods import Period
from helpdesk.records.tables import CaseReason, CaseRow

MISS: dict[str, Any] = {"kind": "fallback", "intent": None, "confidence": 0.1, "reason": "unsure"}


def hand_over(database: Database, sender: str, reason: CaseReason) -> int:
    """A message whose conversation goes to people; the id of its case."""
    columns: dict[str, Any] = {"version_id": None, "out_of_scope": 0.0, "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        message = conversations.log_message(
            session, "a", channel="rest", sender=sender, external_id=None, decision=columns | MISS
        )
        talk = cases.conversation_of(session, message)
        case, _ = cases.open_case(session, conversation_id=talk, message_id=message, reason=reason, urgent=False)
        return case.id


def test_cases_are_counted_by_reason(database: Database) -> None:
    """The median is of those that somebody took; what came before the period does not count."""
    first, second = (hand_over(database, sender, CaseReason.ASKED) for sender in ("ann", "bob"))
    hand_over(database, "cem", CaseReason.LANGUAGE)
    taken = {"taken_by": "dan", "state": "taken"}
    with database.write() as session:
        opened = now()
        for case, minutes in ((first, 4), (second, 10)):
            times = {"opened_at": opened, "taken_at": opened + timedelta(minutes=minutes)}
            session.execute(update(CaseRow).where(CaseRow.id == case).values(**taken, **times))

    with database.read() as session:
        assert read_case_counts(session, Period(None)) == [
            CaseCount(CaseReason.ASKED, 2, 2, 0, 7.0),
            CaseCount(CaseReason.LANGUAGE, 1, 0, 0, None),
        ]
        assert read_case_counts(session, Period(now() + timedelta(days=1))) == []
