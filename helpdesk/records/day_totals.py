"""Messages of past days counted once, so that a report over a year reads a few rows a day instead of every message."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from helpdesk.records.clock import now
from helpdesk.records.periods import Period
from helpdesk.records.tables import CountedDay, DayTotal, DecisionRow, Message

SETTLED = timedelta(hours=1)  # after midnight: what began before it is stored by then


@dataclass(frozen=True)
class Total:
    """How many messages of one day (UTC) and channel were decided alike; intent: what was answered, as called then."""

    day: date
    channel: str
    kind: str
    reason: str
    intent: str | None
    count: int


def count_days(session: Session) -> int:
    """Count the days that ended since the last time; how many there were.

    They follow each other without a gap. Days that are still to come, counted while the clock ran ahead, are given up.
    """
    today = (now() - SETTLED).date()
    session.execute(delete(DayTotal).where(DayTotal.day >= today))
    session.execute(delete(CountedDay).where(CountedDay.day >= today))
    first = _next_day(session)
    if first is None or first >= today:
        return 0
    found = _of_messages(session, Period(_midnight(first), _midnight(today)))
    days = [first + timedelta(days=number) for number in range((today - first).days)]
    by_day = {day: list(totals) for day, totals in groupby(found, key=lambda total: total.day)}
    so_far = Counter(_so_far(session))
    for day in days:
        for total in by_day.get(day, ()):
            so_far[total.kind] += total.count
        session.add(CountedDay(day=day, so_far=dict(so_far)))
    session.flush()
    if found:
        session.execute(insert(DayTotal), [asdict(total) for total in found])
    return len(days)


def read_totals(session: Session, period: Period) -> list[Total]:
    """The messages of a period, those of counted days by their totals. Its bounds are midnights (UTC), or None."""
    counted = session.scalar(select(func.max(CountedDay.day)))
    if counted is None:
        return _of_messages(session, period)
    end = _midnight(counted + timedelta(days=1))
    until = end if period.until is None else min(period.until, end)
    since = end if period.since is None else max(period.since, end)
    rows = _of_days(session, Period(period.since, until, period.channel))
    if period.until is None or since < period.until:
        rows += _of_messages(session, Period(since, period.until, period.channel))
    return rows


def count_kinds(session: Session) -> dict[str, int]:
    """How many messages were decided how, ever; those deleted after their day was counted are among them."""
    last = session.scalar(select(func.max(CountedDay.day)))
    later = Period(None if last is None else _midnight(last + timedelta(days=1)))
    counts = Counter(_so_far(session))
    query = select(DecisionRow.kind, func.count()).join(Message, Message.id == DecisionRow.message_id)
    for kind, count in session.execute(query.where(later.holds).group_by(DecisionRow.kind)):
        counts[kind] += count
    return dict(counts)


def _so_far(session: Session) -> dict[str, int]:
    return session.scalar(select(CountedDay.so_far).order_by(CountedDay.day.desc()).limit(1)) or {}


def _next_day(session: Session) -> date | None:
    """The first day that is not counted, None while there are no messages."""
    last: date | None = session.scalar(select(func.max(CountedDay.day)))
    if last is not None:
        return last + timedelta(days=1)
    oldest = session.scalars(select(Message).order_by(Message.created_at).limit(1)).first()
    return None if oldest is None else oldest.created_at.date()


def _of_messages(session: Session, period: Period) -> list[Total]:
    columns = (
        func.date(Message.created_at),
        Message.channel,
        DecisionRow.kind,
        DecisionRow.reason,
        DecisionRow.intent,
    )
    query = (
        select(*columns, func.count())
        .join(Message, Message.id == DecisionRow.message_id)
        .where(period.holds)
        .group_by(*columns)
    )
    rows = session.execute(query.order_by(columns[0]))
    return [
        Total(date.fromisoformat(str(day)), channel, kind, reason, intent, count)
        for day, channel, kind, reason, intent, count in rows
    ]


def _of_days(session: Session, period: Period) -> list[Total]:
    query = select(DayTotal.day, DayTotal.channel, DayTotal.kind, DayTotal.reason, DayTotal.intent, DayTotal.count)
    if period.since is not None:
        query = query.where(DayTotal.day >= period.since.date())
    if period.until is not None:
        query = query.where(DayTotal.day < period.until.date())
    if period.channel is not None:
        query = query.where(DayTotal.channel == period.channel)
    return [
        Total(day, channel, kind, reason, intent, count)
        for day, channel, kind, reason, intent, count in session.execute(query)
    ]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
