"""What became of the messages, day by day: one reading that the figures, the chart and the FAQ table share."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, DecisionKind
from helpdesk.records.day_totals import read_totals
from helpdesk.records.names import current_names
from helpdesk.records.periods import Period
from helpdesk.records.tables import Conversation
from helpdesk.records.traffic import Outcomes, outcomes_of


@dataclass(frozen=True)
class DayCount:
    """How many messages of one day (UTC) were decided alike."""

    day: date
    kind: str
    reason: str
    count: int


@dataclass(frozen=True)
class Answers:
    """How often an entry was the answer: directly, and because it was chosen from a question."""

    direct: int = 0
    chosen: int = 0

    @property
    def all(self) -> int:
        """Both."""
        return self.direct + self.chosen


def read_day_counts(session: Session, period: Period) -> list[DayCount]:
    """The counts of a period of whole days."""
    totals = read_totals(session, period, ("day", "kind", "reason"))
    return [DayCount(day, kind, reason, count) for (day, kind, reason), count in totals.items()]


def read_answers(session: Session, period: Period) -> dict[str, Answers]:
    """How often each entry was the answer, by its name of today, in a period of whole days.

    An answer to several questions counts for the first of them.
    """
    names = current_names(session)
    direct, chosen = Counter[str](), Counter[str]()
    for (kind, reason, intent), count in read_totals(session, period, ("kind", "reason", "intent")).items():
        if kind == DecisionKind.ANSWER and intent:
            (chosen if reason in CHOSEN else direct)[names.get(intent, intent)] += count
    return {intent: Answers(direct[intent], chosen[intent]) for intent in direct | chosen}


def outcomes(counts: Iterable[DayCount]) -> Outcomes:
    """All of them together."""
    added = Counter[tuple[str, str]]()
    for row in counts:
        added[row.kind, row.reason] += row.count
    return outcomes_of(added)


def by_day(counts: Sequence[DayCount]) -> dict[date, Outcomes]:
    """The outcomes of each day that has any, in order."""
    days: dict[date, list[DayCount]] = {}
    for row in counts:
        days.setdefault(row.day, []).append(row)
    return {day: outcomes(days[day]) for day in sorted(days)}


def read_channels(session: Session) -> list[str]:
    """The channels that anybody wrote on; each is found by one step in the index, however many conversations it has."""
    first = select(func.min(Conversation.channel).label("channel")).cte("channels", recursive=True)
    following = select(func.min(Conversation.channel)).where(Conversation.channel > first.c.channel).scalar_subquery()
    channels = first.union_all(select(following).where(first.c.channel.is_not(None)))
    return [channel for channel in session.scalars(select(channels.c.channel)) if channel is not None]
