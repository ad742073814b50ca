"""Which version each web process serves, as they say themselves now and then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from helpdesk.records.clock import now
from helpdesk.records.tables import HeartbeatRow, Promotion
from helpdesk.records.upserts import upsert

IN_USE = timedelta(minutes=10)
SEEN_LATELY = timedelta(seconds=30)
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True)
class Heartbeat:
    """What one process serves. `refused_promotion_id` is a promotion whose bundle did not open there; copies: the
    bundles that its host has copied from the store, None without one."""

    host: str
    process_id: int
    version_id: int | None
    refused_promotion_id: int | None = None
    copies: Sequence[str] | None = None


def note(session: Session, heartbeat: Heartbeat) -> None:
    """Say that a process lives and what it serves."""
    row = vars(heartbeat) | {"seen_at": now()}
    changed = {name: row[name] for name in ("version_id", "refused_promotion_id", "copies", "seen_at")}
    said = upsert(session.get_bind().dialect.name, HeartbeatRow).values(row)
    session.execute(said.on_conflict_do_update(index_elements=["host", "process_id"], set_=changed))


def in_use(session: Session) -> set[int]:
    """The versions that a process seen in the last ten minutes serves."""
    recent = select(HeartbeatRow.version_id).where(
        HeartbeatRow.seen_at > now() - IN_USE, HeartbeatRow.version_id.is_not(None)
    )
    return {version_id for version_id in session.scalars(recent) if version_id is not None}


def copied(session: Session) -> set[str]:
    """The bundles that a host has copied on which a process was seen in the last ten minutes."""
    recent = select(HeartbeatRow.copies).where(HeartbeatRow.seen_at > now() - IN_USE)
    return {name for names in session.scalars(recent) for name in names or ()}


def serves(session: Session, promotion_id: int) -> bool:
    """Whether a process of the last half minute serves what a promotion put in service."""
    promoted = select(Promotion.version_id).where(Promotion.id == promotion_id).scalar_subquery()
    lately = select(HeartbeatRow.id).where(
        HeartbeatRow.seen_at > now() - SEEN_LATELY, HeartbeatRow.version_id == promoted
    )
    return session.scalar(lately.limit(1)) is not None


def processes_by_version(session: Session, *, since: datetime) -> dict[int, int]:
    """How many processes seen since then serve each version."""
    query = (
        select(HeartbeatRow.version_id, func.count())
        .where(HeartbeatRow.seen_at > since, HeartbeatRow.version_id.is_not(None))
        .group_by(HeartbeatRow.version_id)
    )
    return {version_id: count for version_id, count in session.execute(query) if version_id is not None}


def processes_refusing(session: Session, promotion_id: int, *, since: datetime) -> int:
    """How many processes seen since then could not load the bundle of this promotion."""
    query = select(func.count()).where(HeartbeatRow.seen_at > since, HeartbeatRow.refused_promotion_id == promotion_id)
    return session.scalar(query) or 0


def seen_lately(session: Session) -> list[Heartbeat]:
    """The processes of the last half minute."""
    recent = select(HeartbeatRow.host, HeartbeatRow.process_id, HeartbeatRow.version_id).where(
        HeartbeatRow.seen_at > now() - SEEN_LATELY
    )
    return [Heartbeat(*row) for row in session.execute(recent)]


def forget_old(session: Session) -> None:
    """Drop processes that have not been seen for a day."""
    session.execute(delete(HeartbeatRow).where(HeartbeatRow.seen_at < now() - FORGOTTEN))
