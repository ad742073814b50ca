"""Messages go with everything that hangs on them, and the queue stays right."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION
from helpdesk.records.asked_texts import lock_texts, place
from helpdesk.records.database import Database
from helpdesk.records.feedback import is_disliked
from helpdesk.records.tables import (
    AskedText,
    CaseReply,
    CaseRow,
    Conversation,
    DecisionRow,
    DeliveryRow,
    FeedbackRow,
    FlipRow,
    Label,
    Message,
    Table,
)

IDS_AT_ONCE = 500  # ids in one statement
OFTEN = 50  # messages of a text; retention counts what is left of so many only when it has finished
_ASKS = and_(DecisionRow.kind.not_in(NO_QUESTION), DecisionRow.reason.not_in(CHOSEN))


def delete_messages(session: Session, ids: Sequence[int], *, recount: bool = True) -> Counter[str]:
    """Delete messages, their decisions, feedback and cases, and what is sent of these; table -> rows.

    Labels on them must be gone. Conversations that are empty then go too. recount: False leaves the counts of texts
    that are asked OFTEN to `recount_often_asked`, so that nobody waits for it.
    """
    counts = Counter[str]()
    keys = lock_messages(session, ids)
    for some in _portions(ids):
        talks = set(session.scalars(select(Message.conversation_id).where(Message.id.in_(some))))
        counts += unhang(session, some)
        of_these = {keys[number] for number in some if number in keys}
        counts["asked_texts"] += _recount(session, of_these, without=some, most=None if recount else OFTEN)
        counts["decisions"] += _delete(session, DecisionRow, DecisionRow.message_id.in_(some))
        counts["messages"] += _delete(session, Message, Message.id.in_(some))
        counts["conversations"] += forget_empty(session, talks)
        forget_flips(session, of_these)
    return +counts


def recount_often_asked(database: Database) -> None:
    """Let the queue say of texts that are asked OFTEN how often that still is. Nobody waits while it is counted."""
    asking = select(func.count()).select_from(Message).join(DecisionRow, DecisionRow.message_id == Message.id)
    left = asking.where(Message.text_key == AskedText.text_key, _ASKS).correlate(AskedText).scalar_subquery()
    often = select(AskedText.text_key, AskedText.count, left.label("left")).where(AskedText.count >= OFTEN)
    with database.read() as session:
        too_many = sorted((key, count, number) for key, count, number in session.execute(often) if count > number)
    for start in range(0, len(too_many), IDS_AT_ONCE):
        with database.write() as session:
            for key, count, number in too_many[start : start + IDS_AT_ONCE]:
                row = session.get(AskedText, key, with_for_update=True)
                if row is not None and row.count >= count:  # or somebody else counted meanwhile
                    row.count -= count - number
                    row.place = place(row.count, row.confidence)


def lock_messages(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The text keys of messages. PostgreSQL locks their texts and then the messages, in their order: a text that is
    asked meanwhile waits, and so does feedback."""
    keys: dict[int, str] = {}
    for some in _portions(ids):
        found = select(Message.id, Message.text_key).where(Message.id.in_(some))
        keys |= dict(session.execute(found).tuples().all())
    lock_texts(session, set(keys.values()))
    for some in _portions(ids):
        session.execute(select(Message.id).where(Message.id.in_(some)).order_by(Message.id).with_for_update())
    return keys


def _portions(values: Collection[Any]) -> Iterator[list[Any]]:
    """In their order, as many as a statement can hold."""
    ordered = sorted(values)
    yield from (ordered[start : start + IDS_AT_ONCE] for start in range(0, len(ordered), IDS_AT_ONCE))


def unhang(session: Session, ids: Collection[int]) -> Counter[str]:
    """Delete the feedback on messages, the cases that they opened, and what is sent of either; table -> rows."""
    opened = select(CaseRow.id).where(CaseRow.message_id.in_(ids)).order_by(CaseRow.id)
    cases = session.scalars(opened.with_for_update()).all()  # nobody replies meanwhile
    replies = session.scalars(select(CaseReply.id).where(CaseReply.case_id.in_(cases))).all()
    # Their ids, not where they come from, or PostgreSQL reads all deliveries.
    sent = or_(DeliveryRow.message_id.in_(ids), DeliveryRow.case_id.in_(cases), DeliveryRow.reply_id.in_(replies))
    steps: tuple[tuple[type[Table], ColumnElement[bool]], ...] = (
        (DeliveryRow, sent),
        (CaseReply, CaseReply.id.in_(replies)),
        (CaseRow, CaseRow.id.in_(cases)),
        (FeedbackRow, FeedbackRow.message_id.in_(ids)),
    )
    return Counter({table.__tablename__: _delete(session, table, where) for table, where in steps})


def delete_labels(session: Session, ids: Collection[int]) -> int:
    """Delete labels; what they came in the place of was superseded by nobody then."""
    pointing = update(Label).where(Label.superseded_by.in_(ids)).values(superseded_by=None)
    session.execute(pointing.execution_options(synchronize_session=False))
    return _delete(session, Label, Label.id.in_(ids))


def forget_empty(session: Session, conversation_ids: Collection[int]) -> int:
    """Delete those of the conversations that have no messages; how many there were.

    One that is getting a message at this moment stays, and nobody waits for it.
    """
    empty = ~select(Message.id).where(Message.conversation_id == Conversation.id).exists()
    found = select(Conversation.id).where(Conversation.id.in_(conversation_ids), empty)
    ids = session.scalars(found.with_for_update(skip_locked=True)).all()
    return _delete(session, Conversation, Conversation.id.in_(ids), empty)


def forget_flips(session: Session, keys: Collection[str]) -> int:
    """Delete the flips of texts that nobody's message has any more."""
    gone = ~select(Message.id).where(Message.text_key == FlipRow.text_key).exists()
    return _delete(session, FlipRow, FlipRow.text_key.in_(keys), gone)


def _recount(session: Session, keys: Collection[str], *, without: Sequence[int], most: int | None) -> int:
    """Let the queue say of texts what is left of them without these messages; how many are not asked any more.

    most: so many messages that ask are read of a text; where as many are left, the count stays.
    """
    gone = 0
    texts = select(AskedText).where(AskedText.text_key.in_(keys))
    for row in session.scalars(texts, execution_options={"populate_existing": True}).all():
        asking = select(Message.id).join(DecisionRow, DecisionRow.message_id == Message.id)
        asking = asking.where(Message.text_key == row.text_key, _ASKS, Message.id.not_in(without))
        left = session.scalar(select(func.count()).select_from(asking.limit(most).subquery())) or 0
        if not left:
            session.delete(row)
            gone += 1
            continue
        if left != most:
            row.count = min(row.count, left)
        if row.first_id in without:
            row.first_id = _first(session, asking.order_by(Message.id), beyond=Message.id > row.first_id)
        if row.newest_id in without:
            row.newest_id = _first(session, asking.order_by(Message.id.desc()), beyond=Message.id < row.newest_id)
            for name, value in _decided(session, row.newest_id).items():
                setattr(row, name, value)
        row.place = place(row.count, row.confidence)
        row.disliked = row.disliked and is_disliked(session, row.text_key)
    session.flush()
    return gone


def _first(session: Session, asking: Select[int], *, beyond: ColumnElement[bool]) -> int:
    """The first of some messages beyond one that goes, found from there on; else the first of all of them.

    Messages of senders who wrote too much do not count as demand and may lie on the other side.
    """
    found = session.scalars(asking.where(beyond).limit(1)).first()
    return session.scalars(asking.limit(1)).one() if found is None else found


def _decided(session: Session, message_id: int) -> dict[str, Any]:
    row = session.scalars(select(DecisionRow).where(DecisionRow.message_id == message_id)).one()
    best = row.ranking[0]["intent"] if row.ranking else None
    return {"kind": row.kind, "reason": row.reason, "confidence": row.confidence, "best": best}


def among(column: Any, values: Collection[Any]) -> list[ColumnElement[bool]]:
    """The column has one of the values, in portions that a statement can hold; nothing has one of none."""
    return [column.in_(some) for some in _portions(values)] or [column.in_([])]


def _delete(session: Session, table: type[Table], *where: ColumnElement[bool]) -> int:
    found = session.execute(delete(table).where(*where).execution_options(synchronize_session=False))
    return int(found.rowcount)  # type: ignore[attr-defined]
