"""Who may run the nightly job: one row, taken for a while and renewed while its holder lives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from helpdesk.errors import BusyError
from helpdesk.records.clock import database_time
from helpdesk.records.tables import Lease
from helpdesk.records.upserts import upsert

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite


@dataclass(frozen=True)
class Holder:
    """One run. `owner` is a token of its own; `place` names the lock file it holds, the same on one host only."""

    owner: str
    host: str
    process_id: int
    place: str


def take(session: Session, name: str, *, holder: Holder, seconds: float) -> None:
    """Take the lease unless a living holder has it, in which case BusyError names the holder.

    Whoever holds the lock file of the lease's place knows that its holder is dead: a file lock goes with its process,
    so the lease is taken over before it runs out.
    """
    moment = database_time(session)
    session.execute(_insert(session, name, holder, moment))
    found = session.scalars(select(Lease).where(Lease.name == name).with_for_update()).one()
    if found.owner != holder.owner and found.expires_at > moment and found.place != holder.place:
        raise BusyError(
            f"a retraining is running already (process {found.process_id} on {found.host} "
            f"since {found.taken_at:%Y-%m-%d %H:%M} UTC)"
        )
    for field, value in vars(holder).items():
        setattr(found, field, value)
    found.taken_at = moment
    found.expires_at = moment + timedelta(seconds=seconds)


def require_free(session: Session) -> None:
    """Raise BusyError while somebody holds a lease."""
    running = session.scalars(select(Lease).where(Lease.expires_at > database_time(session))).first()
    if running is not None:
        raise BusyError(
            f"a retraining is running (process {running.process_id} on {running.host} "
            f"since {running.taken_at:%Y-%m-%d %H:%M} UTC); try again when it has ended"
        )


def renew(session: Session, name: str, *, owner: str, seconds: float) -> None:
    """Say that the holder lives. Raises BusyError when another run has taken the lease."""
    moment = database_time(session)
    values = {"expires_at": moment + timedelta(seconds=seconds)}
    mine = update(Lease).where(Lease.name == name, Lease.owner == owner)
    if session.execute(mine.values(**values).returning(Lease.name)).one_or_none() is None:
        raise BusyError("the lease on retraining was lost: this run stood still and another one took over")


def release(session: Session, name: str, *, owner: str) -> None:
    """Give the lease back, if it is still ours: it has run out now. The row stays, so that takers never miss it."""
    session.execute(
        update(Lease).where(Lease.name == name, Lease.owner == owner).values(expires_at=database_time(session))
    )


def _insert(session: Session, name: str, holder: Holder, moment: datetime) -> "sqlite.Insert | postgresql.Insert":
    """A row that has run out already, unless there is one: two first-comers must not collide."""
    row = {"name": name, **vars(holder), "taken_at": moment, "expires_at": moment}
    return upsert(session.get_bind().dialect.name, Lease).values(row).on_conflict_do_nothing()
