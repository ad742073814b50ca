"""Texts by what staff said of them: put off, flagged, not a question, or labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from helpdesk.records.asked_texts import FLAGGED, PUT_OFF
from helpdesk.records.labels import SAID, TEACHING
from helpdesk.records.queue import QueueItem, to_item
from helpdesk.records.tables import AskedText, DecisionRow, Label, Message

LATER, RAISED, NOT_A_QUESTION, DONE = "later", "flagged", "not_a_question", "done"
_KINDS: dict[str, Sequence[str]] = {
    LATER: (PUT_OFF,),
    RAISED: (FLAGGED,),
    NOT_A_QUESTION: (NOT_A_QUESTION,),
    DONE: TEACHING,
}
LABEL_STATES = tuple(_KINDS)
_OLDEST_FIRST = (LATER, RAISED)  # they wait for somebody


@dataclass(frozen=True)
class Labelled:
    """A label that puts a text into a state, with its intent and its author, and the text as the desk shows it."""

    label: Label
    item: QueueItem


def list_labelled(session: Session, state: str, *, limit: int, offset: int = 0) -> list[Labelled]:
    """The texts in a state: those that wait for somebody oldest label first, the others newest first."""
    order = Label.id if state in _OLDEST_FIRST else Label.id.desc()
    query = (
        select(Label, Message, DecisionRow, AskedText.count)
        .join(Message, Message.id == Label.message_id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .outerjoin(AskedText, AskedText.text_key == Label.text_key)
        .where(*_in_state(state))
        .options(joinedload(Label.intent), joinedload(Label.staff))
        .order_by(order)
    )
    rows = session.execute(query.limit(limit).offset(offset))
    return [Labelled(label, to_item(message, decision, count or 1)) for label, message, decision, count in rows]


def count_labelled(session: Session) -> dict[str, int]:
    """How many texts are in each state."""
    counts = {}
    for state in LABEL_STATES:
        counts[state] = session.scalar(select(func.count(Label.id)).where(*_in_state(state))) or 0
    return counts


def flag_of(session: Session, text_key: str) -> Label | None:
    """The flag that a text waits under, whatever else was said of it."""
    query = select(Label).where(Label.text_key == text_key, *_in_state(RAISED)).order_by(Label.id.desc()).limit(1)
    return session.scalar(query.options(joinedload(Label.staff)))


def put_off_by(session: Session, staff_id: int, text_keys: Sequence[str]) -> set[str]:
    """Of these texts those that this person put off, and that nobody has labelled or flagged since."""
    query = select(AskedText.text_key).join(Label, Label.text_key == AskedText.text_key)
    query = query.where(AskedText.text_key.in_(text_keys), AskedText.later, AskedText.open)
    own = query.where(Label.staff_id == staff_id, Label.kind == PUT_OFF, _stands())
    return set(session.scalars(own))


def waiting_apart(session: Session, text_keys: Sequence[str]) -> set[str]:
    """Of these texts those that somebody put off or flagged, or that have a label that counts."""
    apart = or_(AskedText.later, ~AskedText.open & AskedText.answered_at.is_(None))
    return set(session.scalars(select(AskedText.text_key).where(AskedText.text_key.in_(text_keys), apart)))


def unlabelled_messages(session: Session) -> list[int]:
    """The newest message of every text that has no label, whatever was decided about it, in the order of their ids."""
    labelled = select(Label.id).where(
        Label.text_key == Message.text_key, Label.undone_at.is_(None), Label.kind.in_(SAID)
    )
    newest = func.max(Message.id)
    query = select(newest).where(Message.normalised != "", ~labelled.exists()).group_by(Message.text_key)
    return list(session.scalars(query.order_by(newest)))


def given_by(session: Session, staff_id: int) -> int:
    """How many labels of any kind this person has given, those that were taken back included."""
    return session.scalar(select(func.count(Label.id)).where(Label.staff_id == staff_id)) or 0


def newest_labels(session: Session, text_keys: Sequence[str]) -> dict[str, int]:
    """The id of the newest label of each of these texts; texts without one are left out."""
    query = select(Label.text_key, func.max(Label.id)).where(Label.text_key.in_(text_keys)).group_by(Label.text_key)
    return dict(session.execute(query).tuples().all())


def is_live(label: Label, serving_since: datetime | None) -> bool:
    """Whether the version in service was built after a label was given."""
    return serving_since is not None and label.created_at <= serving_since


def _in_state(state: str) -> tuple[ColumnElement[bool], ...]:
    kind = Label.kind.in_(_KINDS[state])
    raised = Label.superseded_by < Label.id  # a flag on a text with a label that counts
    return kind, or_(Label.undone_at.is_(None), raised) if state == RAISED else Label.undone_at.is_(None)


def _stands() -> ColumnElement[bool]:
    """Not taken back: what another person's label of the kind took the place of still stands for its author."""
    return or_(Label.undone_at.is_(None), Label.superseded_by.is_not(None))
