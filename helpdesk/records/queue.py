"""The queue: which messages staff should label next."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, or_, select, true
from sqlalchemy.orm import Session, aliased

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.errors import NotFoundError
from helpdesk.records.periods import first_message_since
from helpdesk.records.relabel_requests import asked_again
from helpdesk.records.tables import AskedText, DecisionRow, FlipRow, Intent, Label, Message

_ORDERS: dict[str, tuple[Any, ...]] = {
    "benefit": (AskedText.later, AskedText.place, AskedText.newest_id),
    "count": (AskedText.count.desc(), AskedText.newest_id.desc()),
    "newest": (AskedText.newest_id.desc(),),
}
SORTS = tuple(_ORDERS)
THUMBS_DOWN = "thumbs_down"  # a reason to look at a text: somebody who sent it said that the answer did not help


@dataclass(frozen=True)
class QueueItem:
    """One normalised text that waits for a label, with its newest message and decision.

    `count`: of its messages, the first of which came at `first_seen`. `change` is there when last night's candidate
    would decide otherwise, `said` when it waits to be labelled again: the intent that its label names. `later`:
    somebody put it off. `audited`: it is shown as a part of the audit sample. `answer`: what serves answers it surely
    with now, as a night found, so it does not wait any more. `disliked`: an answer to it did not help.
    """

    message_id: int
    conversation_id: int
    text: str
    normalised: str
    text_key: str
    count: int
    first_seen: datetime
    last_seen: datetime
    kind: str
    confidence: float
    reason: str
    ranking: Sequence[dict[str, Any]]
    version_id: int | None
    change: "Change | None" = None
    said: str | None = None
    later: bool = False
    audited: bool = False
    answer: "Answer | None" = None
    disliked: bool = False


@dataclass(frozen=True)
class Answer:
    """An intent that is answered, with what confidence, and when that was found."""

    intent: str
    confidence: float
    found_at: datetime


@dataclass(frozen=True)
class Change:
    """What the version in service said of a text last night, and what the candidate said: decisions as in a flip."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """Which of the waiting texts are wanted, and in which order.

    kind: of the newest decision, `language` among them; reason: of it, or THUMBS_DOWN; text: words that the normalised
    text holds; best: intents one of which was ranked first; since, until: when it was asked last; low, high: bounds of
    the confidence.
    """

    kind: str | None = None
    text: str = ""
    reason: str | None = None
    best: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    low: float = 0.0
    high: float = 1.0
    sort: str = "benefit"

    @property
    def all(self) -> bool:
        """Whether nothing is left out."""
        return self == Wanted(sort=self.sort)


def items(
    session: Session,
    *,
    review_below: float,
    limit: int,
    wanted: Wanted | None = None,
    offset: int = 0,
) -> list[QueueItem]:
    """Labels that wait to be labelled again; then texts without a label: what last night's candidate would decide
    otherwise, most asked first, and doubted ones.

    Doubted are texts that were handed over, asked back about or answered with hesitation when they came last, most
    expected benefit first: count x uncertainty, so texts asked often and decided least surely. What somebody put off
    comes last in this order. `offset`: how many to leave out at the head.
    """
    wanted = wanted or Wanted()
    again = _again(session) if wanted.all else []
    head = _head(session, wanted)
    first = [*again, *head][offset : offset + limit]
    skip = max(0, offset - len(again) - len(head))
    rest = _doubted(session, wanted, review_below=review_below, limit=limit - len(first), offset=skip)
    return [*first, *rest]


def _again(session: Session) -> list[QueueItem]:
    rows = asked_again(session)
    if not rows:
        return []
    query = (
        select(Message, DecisionRow, Intent.slug)
        .join(Label, Label.message_id == Message.id)
        .join(Intent, Intent.id == Label.intent_id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Label.id.in_(rows), Intent.status != "deleted")
        .order_by(Label.id)
    )
    return [replace(to_item(message, decision, 1), said=slug) for message, decision, slug in session.execute(query)]


def _head(session: Session, wanted: Wanted) -> list[QueueItem]:
    """Texts that last night's candidate would decide otherwise; there are only a few, so they are read first."""
    flips = {flip.text_key: flip for flip in session.scalars(select(FlipRow))}
    if not flips:
        return []
    # `open` is looked at here: with it in the query, SQLite looks through all open texts for these few.
    rows = session.execute(texts_with_newest().where(AskedText.text_key.in_(list(flips)), *bounds(wanted)))
    found = [
        replace(asked_item(text, message, decision, first), change=_change(flips[text.text_key]))
        for text, message, decision, first in rows
        if text.open
    ]
    return sorted(found, key=lambda item: (item.later, -flips[item.text_key].count, item.message_id))


def _change(flip: FlipRow | None) -> Change | None:
    return None if flip is None else Change(flip.before, flip.after)


def _doubted(session: Session, wanted: Wanted, *, review_below: float, limit: int, offset: int) -> list[QueueItem]:
    if limit <= 0:
        return []
    waiting = select(AskedText.text_key).where(AskedText.open, *bounds(wanted), is_doubted(review_below), ~flipped())
    order = _ORDERS[wanted.sort]
    some = waiting.order_by(*order).limit(limit).offset(offset).subquery()  # what is joined is only what is shown
    rows = session.execute(texts_with_newest().join(some, some.c.text_key == AskedText.text_key).order_by(*order))
    return [asked_item(text, message, decision, first) for text, message, decision, first in rows]


def texts_with_newest() -> Select[AskedText, Message, DecisionRow, datetime]:
    """Texts with their newest message, its decision, and when the first one came."""
    first = aliased(Message)
    return (
        select(AskedText, Message, DecisionRow, first.created_at)
        .join(Message, Message.id == AskedText.newest_id)
        .join(DecisionRow, DecisionRow.message_id == AskedText.newest_id)
        .join(first, first.id == AskedText.first_id)
    )


def bounds(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    """What holds of the texts that are wanted."""
    if wanted.kind is not None:
        yield _kind() == wanted.kind
    if wanted.reason == THUMBS_DOWN:
        yield AskedText.disliked == true()
    elif wanted.reason is not None:
        yield AskedText.reason == wanted.reason
    if wanted.text:
        yield AskedText.normalised.contains(wanted.text, autoescape=True)
    if wanted.best is not None:
        yield AskedText.best.in_(wanted.best)
    if wanted.since is not None:
        yield AskedText.newest_id >= first_message_since(wanted.since)
    if wanted.until is not None:
        yield AskedText.newest_id < first_message_since(wanted.until)
    if wanted.low > 0:
        yield AskedText.confidence >= wanted.low
    if wanted.high < 1:
        yield AskedText.confidence <= wanted.high


def find_item(session: Session, message_id: int) -> QueueItem:
    """One message as a queue item, whether it waits or not. Raises NotFoundError."""
    row = session.execute(
        select(Message, DecisionRow)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.id == message_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"no message {message_id}")
    message, decision = row
    key = message.text_key
    item = to_item(message, decision, 1)
    asked = session.get(AskedText, key)
    if asked is not None:
        first = session.scalars(select(Message.created_at).where(Message.id == asked.first_id)).one()
        item = replace(item, count=asked.count, first_seen=first, later=asked.later, disliked=asked.disliked)
        item = replace(item, answer=_answer(asked))
    said = next((again.said for again in _again(session) if again.text_key == key), None)
    return replace(item, said=said, change=_change(session.get(FlipRow, key)))


def to_item(message: Message, decision: DecisionRow, count: int) -> QueueItem:
    """A message and its decision as the desk shows them."""
    return QueueItem(
        message.id,
        message.conversation_id,
        message.text,
        message.normalised,
        message.text_key,
        count,
        message.created_at,
        message.created_at,
        decision.kind,
        decision.confidence,
        decision.reason,
        decision.ranking,
        decision.version_id,
    )


def asked_item(text: AskedText, message: Message, decision: DecisionRow, first: datetime) -> QueueItem:
    """A text as the queue shows it; `first`: when it came first."""
    item = to_item(message, decision, text.count)
    return replace(item, first_seen=first, later=text.later, disliked=text.disliked, answer=_answer(text))


def _answer(text: AskedText) -> Answer | None:
    if text.answered_at is None or text.answer is None:
        return None
    return Answer(text.answer, text.answer_confidence or 0.0, text.answered_at)


def flipped() -> ColumnElement[bool]:
    """Whether last night's candidate would decide otherwise, however sure the decision was."""
    return select(FlipRow.text_key).where(FlipRow.text_key == AskedText.text_key).exists()


def is_doubted(review_below: float) -> ColumnElement[bool]:
    """Whether a text was handed over, asked back about or answered with hesitation when it came last."""
    certain = or_(AskedText.confidence >= review_below, AskedText.reason == DecisionReason.EXACT)
    return or_(AskedText.kind != DecisionKind.ANSWER, ~certain, AskedText.disliked)


def _kind() -> ColumnElement[str]:
    reason = AskedText.reason
    return case((reason == DecisionReason.LANGUAGE, reason), else_=AskedText.kind)
