"""Counts that web processes share. Each keeps its own for a moment and adds them here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from helpdesk.records.clock import now
from helpdesk.records.tables import KeptOut, RateCount, StageLatency
from helpdesk.records.upserts import upsert

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)  # seconds; longer ones come after


@dataclass(frozen=True)
class Use:
    """Uses of a limit in one window, which ends at `expires_at`."""

    key: str
    count: int
    expires_at: datetime


def add_uses(session: Session, uses: Sequence[Use]) -> dict[str, int]:
    """Add what one process counted; how often each key was used by all together. Forgets windows that are over."""
    if not uses:
        return {}
    session.execute(delete(RateCount).where(RateCount.expires_at < now()))
    statement = upsert(session.get_bind().dialect.name, RateCount)
    statement = statement.on_conflict_do_update(
        index_elements=["key"], set_={"count": RateCount.count + statement.excluded.count}
    )
    rows = sorted((vars(use) for use in uses), key=lambda row: row["key"])  # in one order, so that none waits in turn
    session.execute(statement, rows)
    found = select(RateCount.key, RateCount.count).where(RateCount.key.in_([use.key for use in uses]))
    return dict(session.execute(found).tuples().all())


def add_latencies(session: Session, found: Mapping[tuple[str, int], tuple[int, float]]) -> None:
    """(stage, bucket) -> number of messages and the seconds of all of them."""
    if not found:
        return
    statement = upsert(session.get_bind().dialect.name, StageLatency)
    statement = statement.on_conflict_do_update(
        index_elements=["stage", "bucket"],
        set_={
            "count": StageLatency.count + statement.excluded.count,
            "seconds": StageLatency.seconds + statement.excluded.seconds,
        },
    )
    rows = [
        {"stage": stage, "bucket": bucket, "count": count, "seconds": seconds}
        for (stage, bucket), (count, seconds) in sorted(found.items())
    ]
    session.execute(statement, rows)


def latencies(session: Session) -> dict[str, tuple[list[int], float]]:
    """Stage -> messages in each bucket, the last one without a bound; seconds of all of them."""
    found: dict[str, tuple[list[int], float]] = {}
    for row in session.scalars(select(StageLatency).order_by(StageLatency.stage)):
        counts, seconds = found.get(row.stage, ([0] * (len(BOUNDS) + 1), 0.0))
        counts[row.bucket] += row.count
        found[row.stage] = counts, seconds + row.seconds
    return found


def kept_out(session: Session, *, since: datetime | None = None) -> dict[str, int]:
    """Reason -> messages that did not count as demand, from a day on."""
    query = select(KeptOut.reason, func.sum(KeptOut.count)).group_by(KeptOut.reason)
    if since is not None:
        query = query.where(KeptOut.day >= since.date())
    return {reason: int(count) for reason, count in session.execute(query)}
