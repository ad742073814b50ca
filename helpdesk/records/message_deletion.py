"""Messages go with everything that hangs on them, and the queue stays right."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION
from helpdesk.records.asked_texts import place
from helpdesk.records.feedback import NOT_HELPFUL
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


def delete_messages(session: Session, ids: Sequence[int]) -> Counter[str]:
    """Delete messages, their decisions, feedback and cases, and what is sent of these; table -> rows.

    Labels on them must be gone. Conversations that are empty then go too.
    """
    counts = Counter[str]()
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = ids[start : start + IDS_AT_ONCE]
        found = select(Message.text_key, Message.conversation_id).where(Message.id.in_(some))
        rows = session.execute(found).tuples().all()
        counts += unhang(session, some)
        counts["asked_texts"] += _recount(session, {key for key, _ in rows}, without=ids)
        counts["decisions"] += _delete(session, DecisionRow, DecisionRow.message_id.in_(some))
        counts["messages"] += _delete(session, Message, Message.id.in_(some))
        talks = {conversation for _, conversation in rows}
        counts["conversations"] += forget_empty(session, talks)
        forget_flips(session, {key for key, _ in rows})
    return +counts


def unhang(session: Session, ids: Collection[int]) -> Counter[str]:
    """Delete the feedback on messages, the cases that they opened, and what is sent of either; table -> rows."""
    cases = select(CaseRow.id).where(CaseRow.message_id.in_(ids)).scalar_subquery()
    replies = select(CaseReply.id).where(CaseReply.case_id.in_(cases)).scalar_subquery()
    sent = or_(DeliveryRow.message_id.in_(ids), DeliveryRow.case_id.in_(cases), DeliveryRow.reply_id.in_(replies))
    steps: tuple[tuple[type[Table], ColumnElement[bool]], ...] = (
        (DeliveryRow, sent),
        (CaseReply, CaseReply.case_id.in_(cases)),
        (CaseRow, CaseRow.message_id.in_(ids)),
        (FeedbackRow, FeedbackRow.message_id.in_(ids)),
    )
    return Counter({table.__tablename__: _delete(session, table, where) for table, where in steps})


def delete_labels(session: Session, ids: Collection[int]) -> int:
    """Delete labels; what they came in the place of was superseded by nobody then."""
    pointing = update(Label).where(Label.superseded_by.in_(ids)).values(superseded_by=None)
    session.execute(pointing.execution_options(synchronize_session=False))
    return _delete(session, Label, Label.id.in_(ids))


def forget_empty(session: Session, conversation_ids: Collection[int]) -> int:
    """Delete those of the conversations that have no messages; how many there were."""
    empty = ~select(Message.id).where(Message.conversation_id == Conversation.id).exists()
    return _delete(session, Conversation, Conversation.id.in_(conversation_ids), empty)


def forget_flips(session: Session, keys: Collection[str]) -> int:
    """Delete the flips of texts that nobody's message has any more."""
    gone = ~select(Message.id).where(Message.text_key == FlipRow.text_key).exists()
    return _delete(session, FlipRow, FlipRow.text_key.in_(keys), gone)


def _recount(session: Session, keys: Collection[str], *, without: Sequence[int]) -> int:
    """Let the queue say of these texts what is left of them; how many are not asked any more."""
    gone = 0
    leaving = set(without)
    for row in session.scalars(select(AskedText).where(AskedText.text_key.in_(keys))).all():
        left = [number for number in session.scalars(_asking(row.text_key)) if number not in leaving]
        if not left:
            session.delete(row)
            gone += 1
            continue
        row.count = min(row.count, len(left))
        if row.first_id in leaving:
            row.first_id = left[0]
        if row.newest_id in leaving:
            row.newest_id = left[-1]
            for name, value in _decided(session, left[-1]).items():
                setattr(row, name, value)
        row.place = place(row.count, row.confidence)
        row.disliked = row.disliked and _is_disliked(session, left)
    session.flush()
    return gone


def _asking(key: str) -> Any:
    """The ids of the messages with a text that ask something, oldest first."""
    asks = (DecisionRow.kind.not_in(NO_QUESTION), DecisionRow.reason.not_in(CHOSEN))
    query = select(Message.id).join(DecisionRow, DecisionRow.message_id == Message.id)
    return query.where(Message.text_key == key, *asks).order_by(Message.id)


def _decided(session: Session, message_id: int) -> dict[str, Any]:
    row = session.scalars(select(DecisionRow).where(DecisionRow.message_id == message_id)).one()
    best = row.ranking[0]["intent"] if row.ranking else None
    return {"kind": row.kind, "reason": row.reason, "confidence": row.confidence, "best": best}


def _is_disliked(session: Session, ids: Sequence[int]) -> bool:
    said = select(func.count()).where(FeedbackRow.message_id.in_(ids[-IDS_AT_ONCE:]), FeedbackRow.said == NOT_HELPFUL)
    return bool(session.scalar(said))


def among(column: Any, values: Collection[Any]) -> list[ColumnElement[bool]]:
    """The column has one of the values, in portions that a statement can hold; nothing has one of none."""
    ordered = sorted(values)
    return [column.in_(ordered[n : n + IDS_AT_ONCE]) for n in range(0, len(ordered), IDS_AT_ONCE)] or [column.in_([])]


def _delete(session: Session, table: type[Table], *where: ColumnElement[bool]) -> int:
    found = session.execute(delete(table).where(*where).execution_options(synchronize_session=False))
    return int(found.rowcount)  # type: ignore[attr-defined]
