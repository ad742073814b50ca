"""Messages and what was decided about them: one transaction a message, committed before the reply."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from helpdesk.decisions import ANSWERS, DecisionReason
from helpdesk.errors import BehindError, ConflictError, NotFoundError
from helpdesk.records.asked_texts import note_message
from helpdesk.records.cases import Talk, read_talk
from helpdesk.records.clock import now
from helpdesk.records.names import current_names
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import Conversation, DecisionRow, Message, Table
from helpdesk.records.tellings import Told, told_of
from helpdesk.records.upserts import upsert
from helpdesk.text import normalise, text_key

_CONVERSATION, _MESSAGE, _DECISION = (
    Table.metadata.tables[table.__tablename__] for table in (Conversation, Message, DecisionRow)
)
_WHOSE = (_CONVERSATION.c.channel == bindparam("channel"), _CONVERSATION.c.sender == bindparam("sender"))
_LAST_MESSAGE = (
    select(_MESSAGE.c.id)
    .join(_CONVERSATION, _CONVERSATION.c.id == _MESSAGE.c.conversation_id)
    .where(*_WHOSE)
    .order_by(_MESSAGE.c.id.desc())
    .limit(1)
)
_SAID_LAST = (_DECISION.c.kind, _DECISION.c.reason, _DECISION.c.intent, _DECISION.c.options, _DECISION.c.told)
_LAST_TURN = select(*_SAID_LAST).where(_DECISION.c.message_id == _LAST_MESSAGE.scalar_subquery())


def _values(table: Any) -> dict[str, Any]:
    return {column.name: bindparam(column.name) for column in table.columns if column.name != "id"}


@cache
def _add_conversation(dialect: str) -> Prepared:
    adding = upsert(dialect, _CONVERSATION).values(_values(_CONVERSATION))
    return Prepared(adding.on_conflict_do_nothing().returning(_CONVERSATION.c.id))


_FOLLOW_PROMOTION = Prepared(
    update(_CONVERSATION)
    .where(
        _CONVERSATION.c.id == bindparam("conversation"),
        or_(_CONVERSATION.c.promotion_id.is_(None), _CONVERSATION.c.promotion_id < bindparam("newest")),
    )
    .values(promotion_id=bindparam("newest"))
)
_ADD_MESSAGE = Prepared(insert(_MESSAGE).values(_values(_MESSAGE)).returning(_MESSAGE.c.id))
_ADD_DECISION = Prepared(insert(_DECISION).values(_values(_DECISION)))
_NOT_GIVEN: Mapping[str, Any] = {"version_id": None, "told": None, "inclusion_probability": None, "stage": None}


@dataclass(frozen=True)
class LastTurn:
    """What a sender was told last. told: None for what an older version stored."""

    kind: str
    reason: str
    options: Sequence[str]
    told: Told | None


@dataclass(frozen=True)
class Logged:
    """A message as stored, with its decision. `options` are the intents offered by a clarifying question.

    stage: what was said of people (HandoverStage); created_at: when.
    """

    message_id: int
    kind: str
    intent: str | None
    confidence: float
    reason: str
    ranking: Sequence[Mapping[str, Any]]
    options: Sequence[str]
    version_id: int | None
    stage: str | None
    created_at: datetime
    told: Told | None = None


def answered_intents(decision: DecisionRow | Logged) -> tuple[str, ...]:
    """The intents that a stored decision answers: none, one, or several when it asked as many questions."""
    if decision.intent is None:
        return ()
    count = ANSWERS.get(DecisionReason(decision.reason), 1)
    return (decision.intent, *(ranked["intent"] for ranked in decision.ranking[1:count]))


def called_now(decision: Logged, names: Mapping[str, str]) -> Logged:
    """A stored decision with the names of today for entries that were called otherwise."""
    return replace(
        decision,
        intent=decision.intent and names.get(decision.intent, decision.intent),
        ranking=[{**row, "intent": names.get(row["intent"], row["intent"])} for row in decision.ranking],
        options=[names.get(slug, slug) for slug in decision.options],
    )


def log_message(
    session: Session,
    text: str,
    *,
    channel: str,
    sender: str,
    external_id: str | None,
    decision: Mapping[str, Any],
    demand_per_hour: int | None = None,
) -> int:
    """Store a message and its decision, as `store_message` does, among other things; the id of the message."""
    session.flush()
    connection = session.connection()
    return store_message(
        connection,
        read_talk(connection, channel=channel, sender=sender, locked=False),
        text,
        channel=channel,
        sender=sender,
        external_id=external_id,
        decision=decision,
        demand_per_hour=demand_per_hour,
    )


def store_message(
    connection: Connection,
    talk: Talk,
    text: str,
    *,
    channel: str,
    sender: str,
    external_id: str | None,
    decision: Mapping[str, Any],
    demand_per_hour: int | None = None,
    promotion_id: int | None = None,
) -> int:
    """Store a message of a sender's talk and its decision; the id of the message.

    `decision` holds the columns of `decisions` except ids. demand_per_hour: so many questions of one sender count as
    demand, None for all. promotion_id: the promotion that put what decided it in service, None for nothing.
    Raises ConflictError when another request of the same sender stored the same external id first, BehindError when
    the conversation was answered under a newer promotion already.
    """
    normalised = normalise(text)
    row = {
        "conversation_id": _conversation_id(connection, talk, channel, sender, promotion_id),
        "channel": channel,
        "external_id": external_id,
        "text": text,
        "normalised": normalised,
        "text_key": text_key(normalised),
        "created_at": now(),
    }
    try:
        message_id = int(_ADD_MESSAGE.run(connection, row).fetchone()[0])
    except IntegrityError as error:
        what = "the conversation was deleted" if external_id is None else f"message {external_id!r} was stored"
        raise ConflictError(f"{what} by another request") from error
    given = {"created_at": row["created_at"], **_NOT_GIVEN, **decision}
    _ADD_DECISION.run(connection, {"message_id": message_id, **given})
    note_message(connection, message_id, row, decision, most_per_hour=demand_per_hour)
    return message_id


def find_delivery(
    session: Session, external_id: str, *, channel: str, sender: str, texts: Collection[str]
) -> Logged | None:
    """The stored message of an earlier delivery by this sender. Raises ConflictError when it had another text."""
    row = session.execute(
        select(Message.text, DecisionRow)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Conversation.channel == channel, Conversation.sender == sender, Message.external_id == external_id)
    ).one_or_none()
    if row is None:
        return None
    stored_text, decision = row
    if stored_text not in texts:
        raise ConflictError(f"message_id {external_id!r} was used before for another message")
    return _logged(decision)


def last_turn(session: Session, *, channel: str, sender: str) -> LastTurn | None:
    """What this sender was told last."""
    row = session.connection().execute(_LAST_TURN, {"channel": channel, "sender": sender}).one_or_none()
    return None if row is None else LastTurn(row.kind, row.reason, row.options, told_of(row.told, row.intent))


def find_message(session: Session, message_id: int) -> tuple[str, datetime, Logged]:
    """What was typed, when, and what was decided. Raises NotFoundError."""
    row = session.execute(
        select(Message.text, Message.created_at, DecisionRow)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.id == message_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no message {message_id}")
    return row.text, row.created_at, _logged(row.DecisionRow)


def recent_texts(session: Session, *, since: datetime, limit: int) -> list[tuple[int, str, int]]:
    """(newest message's id, its text as it was typed, count) of the distinct normalised texts since then, those asked
    most often first."""
    newest, count = func.max(Message.id).label("newest"), func.count().label("count")
    most = (
        select(newest, count)
        .where(Message.created_at >= since, Message.normalised != "")
        .group_by(Message.normalised)
        .order_by(count.desc(), newest.desc())
        .limit(limit)
        .subquery()
    )
    query = (
        select(Message.id, Message.text, most.c.count)
        .join(most, most.c.newest == Message.id)
        .order_by(most.c.count.desc(), Message.id.desc())
    )
    return [(message_id, text, number) for message_id, text, number in session.execute(query)]


def _conversation_id(connection: Connection, talk: Talk, channel: str, sender: str, promotion_id: int | None) -> int:
    whose = {"channel": channel, "sender": sender}
    if talk.conversation_id is None:
        row = {**whose, "created_at": now(), "promotion_id": promotion_id}
        added = _add_conversation(connection.dialect.name).run(connection, row).fetchone()
        if added is not None:
            return int(added[0])
        talk = read_talk(connection, **whose, locked=False)  # another worker met this sender at the same moment
    number, answered_under = cast(int, talk.conversation_id), talk.promotion_id
    if promotion_id is not None and answered_under != promotion_id:
        if answered_under is not None and answered_under > promotion_id:
            raise BehindError(answered_under)
        _FOLLOW_PROMOTION.run(connection, {"conversation": number, "newest": promotion_id})
    return number


def _logged(row: DecisionRow) -> Logged:
    return Logged(
        row.message_id,
        row.kind,
        row.intent,
        row.confidence,
        row.reason,
        row.ranking,
        row.options,
        row.version_id,
        row.stage,
        row.created_at,
        told_of(row.told, row.intent),
    )


def taken_for(session: Session, message_ids: Collection[int]) -> dict[int, str]:
    """Message id -> the intent that was ranked first when it came; messages for which none was are left out."""
    query = select(DecisionRow.message_id, DecisionRow.ranking).where(DecisionRow.message_id.in_(message_ids))
    names = current_names(session)
    best = {message: ranking[0]["intent"] for message, ranking in session.execute(query) if ranking}
    return {message: names.get(intent, intent) for message, intent in best.items()}
