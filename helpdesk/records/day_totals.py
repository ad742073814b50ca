"""Messages of past days counted once, so that a report over a year reads a few rows a day instead of every message."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import SQLColumnExpression, delete, func, insert, select
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.periods import Period, first_message_since
from helpdesk.records.tables import CountedDay, DayTotal, DecisionRow, Message
from helpdesk.records.upserts import upsert

SETTLED = timedelta(hours=1)  # after midnight: what began before it is stored by then
_AT_ONCE = 31
_COUNTED: dict[str, SQLColumnExpression[Any]] = {
    "day": DayTotal.day,
    "channel": DayTotal.channel,
    "kind": DayTotal.kind,
    "reason": DayTotal.reason,
    "intent": DayTotal.intent,
}
_STORED: dict[str, SQLColumnExpression[Any]] = {
    "day": func.date(Message.created_at),
    "channel": Message.channel,
    "kind": DecisionRow.kind,
    "reason": DecisionRow.reason,
    "intent": DecisionRow.intent,
}
FACTS = tuple(_COUNTED)  # of a message: its day (UTC) and channel, its decision, the answer as it was called then


def count_days(database: Database) -> int:
    """Count the days that ended since the last time, a month in a transaction; how many there were.

    They follow each other without a gap. Days that are still to come, counted while the clock ran ahead, are given up.
    """
    today = (now() - SETTLED).date()
    with database.read() as session:
        ahead = (session.scalar(select(func.max(CountedDay.day))) or date.min) >= today
    if ahead:
        with database.write() as session:
            session.execute(delete(DayTotal).where(DayTotal.day >= today))
            session.execute(delete(CountedDay).where(CountedDay.day >= today))
    counted = 0
    while True:
        with database.read() as session:
            day = _next_day(session)
            if day is None or day >= today:
                return counted
            days = [day + timedelta(days=number) for number in range(min(_AT_ONCE, (today - day).days))]
            end = days[-1] + timedelta(days=1)
            totals = _of_messages(session, Period(_midnight(day), _midnight(end)), FACTS)
        with database.write() as session:
            for day in days:
                counted += _add(session, day, {alike: n for alike, n in totals.items() if alike[0] == day})


def _add(session: Session, day: date, totals: Mapping[tuple[Any, ...], int]) -> bool:
    """Whether this process added the day, and no other did meanwhile."""
    so_far = Counter(_so_far(session))
    for alike, count in totals.items():
        so_far[alike[FACTS.index("kind")]] += count
    row = upsert(session.get_bind().dialect.name, CountedDay).values(day=day, so_far=dict(so_far))
    if session.scalar(row.on_conflict_do_nothing().returning(CountedDay.day)) is None:
        return False
    if totals:
        session.execute(
            insert(DayTotal), [dict(zip(FACTS, alike, strict=True)) | {"count": n} for alike, n in totals.items()]
        )
    return True


def read_totals(session: Session, period: Period, facts: Sequence[str]) -> Counter[tuple[Any, ...]]:
    """How many messages of a period are alike in these FACTS. Its bounds are midnights (UTC), or None."""
    counted = session.scalar(select(func.max(CountedDay.day)))
    if counted is None:
        return _of_messages(session, period, facts)
    end = _midnight(counted + timedelta(days=1))
    until = end if period.until is None else min(period.until, end)
    since = end if period.since is None else max(period.since, end)
    totals = _of_days(session, Period(period.since, until, period.channel), facts)
    if period.until is None or since < period.until:
        totals += _of_messages(session, Period(since, period.until, period.channel), facts)
    return totals


def count_kinds(session: Session) -> dict[str, int]:
    """How many messages were decided how, ever; those deleted after their day was counted are among them."""
    last = session.scalar(select(func.max(CountedDay.day)))
    counts = Counter(_so_far(session))
    # Every kind is named, so that its part of the index alone is read.
    query = select(DecisionRow.kind, func.count()).where(DecisionRow.kind.in_(list(DecisionKind)))
    if last is not None:
        query = query.where(DecisionRow.message_id >= first_message_since(_midnight(last + timedelta(days=1))))
    for kind, count in session.execute(query.group_by(DecisionRow.kind)):
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


def _of_messages(session: Session, period: Period, facts: Sequence[str]) -> Counter[tuple[Any, ...]]:
    columns = [_STORED[name] for name in facts]
    query = select(*columns, func.count()).select_from(Message)
    query = query.join(DecisionRow, DecisionRow.message_id == Message.id).where(period.holds)
    return _counter(session.execute(query.group_by(*columns)), facts)


def _of_days(session: Session, period: Period, facts: Sequence[str]) -> Counter[tuple[Any, ...]]:
    columns = [_COUNTED[name] for name in facts]
    query = select(*columns, func.sum(DayTotal.count)).group_by(*columns)
    if period.since is not None:
        query = query.where(DayTotal.day >= period.since.date())
    if period.until is not None:
        query = query.where(DayTotal.day < period.until.date())
    if period.channel is not None:
        query = query.where(DayTotal.channel == period.channel)
    return _counter(session.execute(query), facts)


def _counter(rows: Any, facts: Sequence[str]) -> Counter[tuple[Any, ...]]:
    """SQLite gives the day of a moment as text."""
    counts = Counter[tuple[Any, ...]]()
    for *alike, count in rows:
        if "day" in facts and isinstance(alike[facts.index("day")], str):
            alike[facts.index("day")] = date.fromisoformat(alike[facts.index("day")])
        counts[tuple(alike)] += int(count)
    return counts


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
