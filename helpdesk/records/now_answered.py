"""Texts that left the queue without a label, because what serves answers them surely now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from helpdesk.records.asked_texts import NOT_ANSWERED
from helpdesk.records.clock import now
from helpdesk.records.queue import QueueItem, asked_item, flipped, is_doubted, texts_with_newest
from helpdesk.records.tables import AskedText, Message

ANSWERED = "answered"  # the tab of these texts


@dataclass(frozen=True)
class UnlabelledText:
    """A text that nobody has labelled, as its newest message typed it; answered: it left the queue already."""

    text_key: str
    newest_id: int
    typed: str
    answered: bool


def texts_to_score(session: Session, *, review_below: float, limit: int) -> list[UnlabelledText]:
    """What left the queue, and doubted texts in it, most expected benefit first.

    Left out is what somebody put back, and what last night's candidate would decide otherwise: staff shall look at it.
    """
    doubted = AskedText.open & is_doubted(review_below)
    order = (AskedText.open, AskedText.later, AskedText.place, AskedText.newest_id)
    query = (
        select(AskedText.text_key, AskedText.newest_id, Message.text, AskedText.answered_at.is_not(None))
        .join(Message, Message.id == AskedText.newest_id)
        .where(doubted | AskedText.answered_at.is_not(None), ~AskedText.put_back, ~flipped())
        .order_by(*order)
        .limit(limit)
    )
    return [UnlabelledText(*row) for row in session.execute(query)]


def store_answers(
    session: Session, scored: Sequence[UnlabelledText], answers: Mapping[str, tuple[str, float]]
) -> tuple[int, int]:
    """Take what is surely answered out of the queue, and put back what is not any more; how many of each.

    answers: intent and confidence by text key. What last night's candidate would decide otherwise comes back, too. A
    text that came again or was labelled since it was read stays as it is.
    """
    moment, left, returned = now(), 0, 0
    for text in scored:
        stored = update(AskedText).where(AskedText.text_key == text.text_key, AskedText.newest_id == text.newest_id)
        if (answer := answers.get(text.text_key)) is not None:
            waits = AskedText.open | AskedText.answered_at.is_not(None)
            values = {"open": False, "answered_at": moment, "answer": answer[0], "answer_confidence": answer[1]}
            session.execute(stored.where(waits, ~AskedText.put_back).values(values))
            left += not text.answered
        elif text.answered:
            session.execute(stored.where(AskedText.answered_at.is_not(None)).values(open=True, **NOT_ANSWERED))
            returned += 1
    flips = update(AskedText).where(AskedText.answered_at.is_not(None), flipped()).values(open=True, **NOT_ANSWERED)
    session.execute(flips.execution_options(synchronize_session=False))
    return left, returned


def list_answered(session: Session, *, limit: int, offset: int = 0) -> list[QueueItem]:
    """The texts that left the queue, most asked first."""
    query = texts_with_newest().where(AskedText.answered_at.is_not(None))
    rows = session.execute(
        query.order_by(AskedText.count.desc(), AskedText.newest_id.desc()).limit(limit).offset(offset)
    )
    return [asked_item(text, message, decision, first) for text, message, decision, first in rows]


def count_answered(session: Session) -> int:
    """How many texts left the queue so."""
    return session.scalar(select(func.count(AskedText.text_key)).where(AskedText.answered_at.is_not(None))) or 0


def put_back(session: Session, message_ids: Sequence[int]) -> int:
    """Let the texts of these messages wait again, whatever later nights find; how many did not wait."""
    keys = session.scalars(select(Message.text_key).where(Message.id.in_(message_ids)).distinct()).all()
    answered = select(AskedText.text_key).where(AskedText.text_key.in_(keys), AskedText.answered_at.is_not(None))
    found = session.scalars(answered).all()
    back = update(AskedText).where(AskedText.text_key.in_(found), AskedText.answered_at.is_not(None))
    session.execute(back.values(open=True, put_back=True, **NOT_ANSWERED))
    return len(found)
