"""How many conversations were handed over to people, why, and how long those waited."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records.periods import Period
from helpdesk.records.tables import CaseReason, CaseRow, Message


@dataclass(frozen=True)
class CaseCount:
    """The cases of one reason: opened, taken by somebody, closed.

    minutes: until somebody took one, as the median of those that were taken; None when none was.
    """

    reason: CaseReason
    opened: int
    taken: int
    closed: int
    minutes: float | None


def read_case_counts(session: Session, period: Period) -> list[CaseCount]:
    """The cases of a period's messages by reason, the most frequent first; reasons without a case are left out."""
    columns = (CaseRow.reason, CaseRow.opened_at, CaseRow.taken_at, CaseRow.closed_at)
    some = select(*columns, CaseRow.message_id).where(period.may_hold(CaseRow.message_id))
    found = some.cte("found").prefix_with("MATERIALIZED")  # read first, since few messages open a case
    cases: dict[str, list[Any]] = {}
    for case in session.execute(select(found).join(Message, Message.id == found.c.message_id).where(period.holds)):
        cases.setdefault(case.reason, []).append(case)
    counts = [_count(reason, cases[reason]) for reason in CaseReason if reason in cases]
    return sorted(counts, key=lambda count: -count.opened)


def _count(reason: CaseReason, cases: Sequence[Any]) -> CaseCount:
    waits = [(case.taken_at - case.opened_at).total_seconds() / 60 for case in cases if case.taken_at is not None]
    closed = sum(case.closed_at is not None for case in cases)
    return CaseCount(reason, len(cases), len(waits), closed, round(median(waits), 1) if waits else None)
