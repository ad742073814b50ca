"""What is to be sent to other systems: queued with what it is about, leased by whoever sends it, tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records.clock import database_time, now
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import CaseEvent, CaseReply, CaseRow, CaseState, DeliveryRow, DeliveryState, Message
from helpdesk.records.upserts import upsert

SENT_LATELY = timedelta(days=1)
_STATES = Prepared(
    select(DeliveryRow.state)
    .join(CaseRow, CaseRow.id == DeliveryRow.case_id)
    .where(CaseRow.conversation_id == bindparam("conversation_id"), CaseRow.state != CaseState.CLOSED)
    .where(DeliveryRow.message_id.is_(None))
    .distinct()
)


@dataclass(frozen=True)
class Claimed:
    """A delivery that is ours to send until the lease runs out. again: an earlier try may have arrived."""

    id: int
    key: str
    receiver: str
    case_id: int | None
    message_id: int | None
    payload: Mapping[str, Any] | None
    attempts: int

    @property
    def again(self) -> bool:
        """Whether sending was begun before."""
        return self.attempts > 1


@dataclass(frozen=True)
class Listed:
    """A delivery as the desk shows it, with the conversation that it is about."""

    row: DeliveryRow
    conversation_id: int


def queue_deliveries(session: Session, case_id: int, receivers: Sequence[str]) -> None:
    """Let a case be sent to each of these receivers, once each; in the transaction that opens it."""
    for receiver in receivers:
        _queue(session, receiver=receiver, case_id=case_id)


def queue_notes(session: Session, case_id: int, message_id: int, *, event: CaseEvent, reason: str) -> None:
    """Let whoever a case is sent to hear what came to it, unless that was given up; in the transaction of the event."""
    sent_to = select(DeliveryRow.receiver).where(*_of_case(case_id), DeliveryRow.state != DeliveryState.DEAD)
    for receiver in session.scalars(sent_to.order_by(DeliveryRow.id)).all():
        note = {"event": event, "reason": reason}
        _queue(session, receiver=receiver, case_id=case_id, message_id=message_id, payload=note)


def forget_unsent(session: Session, case_id: int) -> None:
    """Send a case to none of the receivers that sending was not begun to."""
    session.execute(delete(DeliveryRow).where(*_of_case(case_id), DeliveryRow.attempts == 0))


def sent_case(session: Session, case_id: int, receiver: str) -> DeliveryRow | None:
    """The delivery of a case that arrived at a receiver; None while it has not."""
    arrived = DeliveryRow.receiver == receiver, DeliveryRow.state == DeliveryState.SENT
    return session.scalar(select(DeliveryRow).where(*_of_case(case_id), *arrived))


def queue_reply(session: Session, message_id: int, receiver: str, payload: Mapping[str, Any]) -> None:
    """Let the reply to a message be sent to the chat that it came from; a message that comes again gets no other."""
    _queue(session, receiver=receiver, message_id=message_id, payload=dict(payload))


def queue_person_reply(session: Session, reply_id: int, receiver: str, payload: Mapping[str, Any]) -> None:
    """Let what a person wrote in the inbox be sent to the chat of its case; in the transaction that stores it."""
    _queue(session, receiver=receiver, reply_id=reply_id, payload=dict(payload))


def nobody_got(connection: Connection, conversation_id: int | None) -> bool:
    """Whether the open case of a conversation was given up for every receiver: nobody knows of it."""
    if conversation_id is None:
        return False
    states = {state for (state,) in _STATES.run(connection, {"conversation_id": conversation_id})}
    return states == {DeliveryState.DEAD}


def has_due(session: Session) -> bool:
    """Whether something waits to be sent now."""
    return session.scalar(select(DeliveryRow.id).where(*_due(database_time(session))).limit(1)) is not None


def claim(session: Session, *, owner: str, seconds: float) -> Claimed | None:
    """Take the delivery that has been due longest, for so many seconds; None when none is due.

    Only one asks for it at a time: SQLite has one writer, PostgreSQL skips rows that another transaction holds.
    """
    moment = database_time(session)
    row = session.scalar(
        select(DeliveryRow)
        .where(*_due(moment))
        .order_by(DeliveryRow.due_at, DeliveryRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if row is None:
        return None
    row.attempts += 1
    row.leased_by, row.leased_until = owner, moment + timedelta(seconds=seconds)
    session.flush()
    return Claimed(row.id, row.key, row.receiver, row.case_id, row.message_id, row.payload, row.attempts)


def note_sent(session: Session, claimed: Claimed, *, external_ref: str, remark: str | None = None) -> None:
    """It arrived. That is so whoever has the lease by now; nobody sends it again."""
    ended = {"state": DeliveryState.SENT, "ended_at": database_time(session), "leased_by": None, "leased_until": None}
    told = {"external_ref": external_ref[:200] or None, "last_error": remark and remark[:500]}
    session.execute(update(DeliveryRow).where(DeliveryRow.id == claimed.id).values(**ended, **told))


def note_failed(session: Session, claimed: Claimed, *, owner: str, error: str, pause: float | None) -> None:
    """It did not arrive as far as we know: it waits for so many seconds, or is dead (None).

    A lease that ran out and went to somebody else, or a delivery that was given up meanwhile, stays as it is.
    """
    moment = database_time(session)
    values: dict[str, Any] = {"last_error": error[:500], "leased_by": None, "leased_until": None}
    if pause is None:
        values |= {"state": DeliveryState.DEAD, "ended_at": moment}
    else:
        values |= {"due_at": moment + timedelta(seconds=pause)}
    ours = (DeliveryRow.id == claimed.id, DeliveryRow.leased_by == owner, DeliveryRow.state == DeliveryState.WAITING)
    session.execute(update(DeliveryRow).where(*ours).values(**values))


def retry(session: Session, delivery_id: int) -> DeliveryRow:
    """Let a dead or waiting delivery be tried at once. Raises NotFoundError, ConflictError when it was sent."""
    row = _find(session, delivery_id)
    if row.state == DeliveryState.SENT:
        raise ConflictError("it was sent meanwhile")
    row.state, row.due_at, row.ended_at = DeliveryState.WAITING, database_time(session), None
    return row


def give_up(session: Session, delivery_id: int, *, author: str) -> DeliveryRow:
    """Try a waiting delivery no more. Raises NotFoundError, ConflictError unless it waits and nobody sends it now."""
    row, moment = _find(session, delivery_id), database_time(session)
    if row.state != DeliveryState.WAITING:
        raise ConflictError(f"it is {row.state} already")
    if row.leased_until is not None and row.leased_until > moment:
        raise ConflictError("it is being sent right now; look again in a minute")
    row.state, row.ended_at = DeliveryState.DEAD, moment
    row.last_error = f"given up by {author}" + (f"; before that: {row.last_error}" if row.last_error else "")
    row.last_error = row.last_error[:500]
    return row


def count_by_state(session: Session) -> dict[str, int]:
    """How many deliveries are in each state, 0 too; of those that were sent, those that were due in the last day."""
    lately = DeliveryRow.state == DeliveryState.SENT, DeliveryRow.due_at >= now() - SENT_LATELY
    counts = {}
    for state in DeliveryState:
        wanted = lately if state == DeliveryState.SENT else (DeliveryRow.state == state,)
        counts[str(state)] = session.scalar(select(func.count()).select_from(DeliveryRow).where(*wanted)) or 0
    return counts


def list_deliveries(session: Session, state: str, *, before: int | None, limit: int) -> list[Listed]:
    """Deliveries in a state, newest first, from the one before an id on."""
    message_id = func.coalesce(DeliveryRow.message_id, CaseRow.message_id)
    query = (
        select(DeliveryRow, Message.conversation_id)
        .outerjoin(CaseReply, CaseReply.id == DeliveryRow.reply_id)
        .outerjoin(CaseRow, CaseRow.id == func.coalesce(DeliveryRow.case_id, CaseReply.case_id))
        .join(Message, Message.id == message_id)
        .where(DeliveryRow.state == state)
        .order_by(DeliveryRow.id.desc())
        .limit(limit)
    )
    query = query if before is None else query.where(DeliveryRow.id < before)
    return [Listed(row, conversation_id) for row, conversation_id in session.execute(query)]


def _queue(session: Session, **row: Any) -> None:
    queued = upsert(session.get_bind().dialect.name, DeliveryRow).values(due_at=database_time(session), **row)
    session.execute(queued.on_conflict_do_nothing())


def _of_case(case_id: int) -> tuple[ColumnElement[bool], ...]:
    """The deliveries of a case itself, without its notes."""
    return DeliveryRow.case_id == case_id, DeliveryRow.message_id.is_(None)


def _due(moment: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(DeliveryRow.leased_until.is_(None), DeliveryRow.leased_until <= moment)
    return DeliveryRow.state == DeliveryState.WAITING, DeliveryRow.due_at <= moment, free


def _find(session: Session, delivery_id: int) -> DeliveryRow:
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if row is None:
        raise NotFoundError(f"no delivery {delivery_id}")
    return row
