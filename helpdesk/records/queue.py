"""The queue: which messages staff should label next."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, and_, case, func, or_, select
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION, DecisionKind, DecisionReason
from helpdesk.errors import NotFoundError
from helpdesk.records.relabel_requests import asked_again
from helpdesk.records.tables import DecisionRow, FlipRow, Intent, Label, Message


@dataclass(frozen=True)
class QueueItem:
    """One normalised text that waits for a label, with its newest message and decision.

    `change` is there when last night's candidate would decide otherwise, `said` when it waits to be labelled again: the
    intent that its label names.
    """

    message_id: int
    text: str
    normalised: str
    count: int
    last_seen: datetime
    kind: str
    confidence: float
    reason: str
    ranking: Sequence[dict[str, Any]]
    version_id: int | None
    change: "Change | None" = None
    said: str | None = None


@dataclass(frozen=True)
class Change:
    """What the version in service said of a text last night, and what the candidate said: decisions as in a flip."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


def items(session: Session, *, review_below: float, limit: int, kind: str | None = None) -> list[QueueItem]:
    """Labels that wait to be labelled again; then texts without a label: what last night's candidate would decide
    otherwise, most asked first, and doubted ones.

    Doubted are fallbacks, clarifications and hesitant answers, most expected benefit first: count x uncertainty, so
    texts asked often and decided least surely. `kind` keeps only texts whose newest decision was of that kind;
    those in another language are a kind of their own, `language`.
    """
    again = [] if kind else _again(session)[:limit]
    head = _head(session, limit=limit - len(again), kind=kind)
    rest = limit - len(again) - len(head)
    return [*again, *head, *_doubted(session, review_below=review_below, limit=rest, kind=kind)]


def _again(session: Session) -> list[QueueItem]:
    query = (
        select(Message, DecisionRow, Intent.slug)
        .join(Label, Label.message_id == Message.id)
        .join(Intent, Intent.id == Label.intent_id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Label.id.in_(asked_again(session)), Intent.status != "deleted")
        .order_by(Label.id)
    )
    return [replace(to_item(message, decision, 1), said=slug) for message, decision, slug in session.execute(query)]


def _head(session: Session, *, limit: int, kind: str | None) -> list[QueueItem]:
    changed = _changed()
    query = (
        select(Message, DecisionRow, changed.c.count, FlipRow)
        .join(changed, changed.c.newest == Message.id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .join(FlipRow, FlipRow.text_key == Message.text_key)
        .order_by(FlipRow.count.desc(), Message.id)
        .limit(limit)
    )
    rows = session.execute(query if kind is None else query.where(_kind() == kind))
    return [_changed_item(message, decision, count, flip) for message, decision, count, flip in rows]


def _doubted(session: Session, *, review_below: float, limit: int, kind: str | None) -> list[QueueItem]:
    waiting = _waiting(review_below)
    benefit = waiting.c.count * (1.05 - waiting.c.confidence)
    query = (
        select(Message, DecisionRow, waiting.c.count)
        .join(waiting, waiting.c.newest == Message.id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .order_by(benefit.desc(), Message.id)
        .limit(limit)
    )
    rows = session.execute(query if kind is None else query.where(_kind() == kind))
    return [to_item(message, decision, count) for message, decision, count in rows]


def queue_lengths(session: Session, *, review_below: float) -> dict[str, int]:
    """How many distinct texts wait, by the kind of their newest decision, `language` among them."""
    lengths = Counter[str]()
    for waiting in (_changed(), _waiting(review_below)):
        query = (
            select(_kind().label("tab"), func.count())
            .join(waiting, waiting.c.newest == DecisionRow.message_id)
            .group_by("tab")
        )
        lengths.update(dict(session.execute(query).tuples().all()))
    if again := len(asked_again(session)):
        lengths["again"] = again
    return dict(lengths)


def unlabelled_messages(session: Session) -> list[int]:
    """The newest message of every text that has no label, whatever was decided about it, in the order of their ids."""
    labelled = select(Label.id).where(Label.text_key == Message.text_key, Label.undone_at.is_(None))
    newest = func.max(Message.id)
    query = select(newest).where(Message.normalised != "", ~labelled.exists()).group_by(Message.text_key)
    return list(session.scalars(query.order_by(newest)))


def find_item(session: Session, message_id: int) -> QueueItem:
    """One message as a queue item, whether it waits or not. Raises NotFoundError."""
    row = session.execute(
        select(Message, DecisionRow)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.id == message_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no message {message_id}")
    count = session.scalar(select(func.count()).where(Message.text_key == row[0].text_key)) or 0
    flip = session.get(FlipRow, row[0].text_key)
    item = to_item(row[0], row[1], count) if flip is None else _changed_item(row[0], row[1], count, flip)
    said = next((again.said for again in _again(session) if again.normalised == item.normalised), None)
    return replace(item, said=said)


def to_item(message: Message, decision: DecisionRow, count: int) -> QueueItem:
    """A message and its decision as the desk shows them."""
    return QueueItem(
        message.id,
        message.text,
        message.normalised,
        count,
        message.created_at,
        decision.kind,
        decision.confidence,
        decision.reason,
        decision.ranking,
        decision.version_id,
    )


def _changed_item(message: Message, decision: DecisionRow, count: int, flip: FlipRow) -> QueueItem:
    return replace(to_item(message, decision, count), change=Change(flip.before, flip.after))


def _changed() -> Subquery:
    """Texts without a label that last night's candidate would decide otherwise, however sure the decision was."""
    labelled = select(Label.id).where(Label.text_key == Message.text_key, Label.undone_at.is_(None))
    return (
        select(func.max(Message.id).label("newest"), func.count().label("count"))
        .join(FlipRow, FlipRow.text_key == Message.text_key)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.normalised != "", _asks(), ~labelled.exists())
        .group_by(Message.text_key)
        .subquery()
    )


def _waiting(review_below: float) -> Subquery:
    changed = select(FlipRow.text_key).where(FlipRow.text_key == Message.text_key)
    labelled = select(Label.id).where(Label.text_key == Message.text_key, Label.undone_at.is_(None))
    doubted = or_(
        DecisionRow.kind != DecisionKind.ANSWER,
        and_(DecisionRow.confidence < review_below, DecisionRow.reason != DecisionReason.EXACT),
    )
    return (
        select(
            func.max(Message.id).label("newest"),
            func.count().label("count"),
            func.min(DecisionRow.confidence).label("confidence"),
        )
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(doubted, Message.normalised != "", _asks())
        .where(~labelled.exists(), ~changed.exists())
        .group_by(Message.text_key)
        .subquery()
    )


def _kind() -> ColumnElement[str]:
    reason = DecisionRow.reason
    return case((reason == DecisionReason.LANGUAGE, reason), else_=DecisionRow.kind)


def _asks() -> ColumnElement[bool]:
    """Messages that ask something: no choices from a menu, no small talk, no wishes for a person."""
    return and_(DecisionRow.reason.not_in(CHOSEN), DecisionRow.kind.not_in(NO_QUESTION))
