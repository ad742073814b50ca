"""The labelling queue and labels."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Subquery, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from helpdesk.decisions import CHOSEN, DecisionKind, DecisionReason
from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records.clock import now
from helpdesk.records.faq import find_intent
from helpdesk.records.relabel_requests import asked_again
from helpdesk.records.splits import assign_side, one_at_a_time
from helpdesk.records.tables import DecisionRow, FlipRow, GoldenPhraseRow, Intent, Label, Message, Phrasing

KINDS = ("intent", "out_of_scope", "skip")
_TEXTS = ((Phrasing, "phrasing"), (Label, "label"), (Message, "message"), (GoldenPhraseRow, "golden"))


@dataclass(frozen=True)
class QueueItem:
    """One normalised text that waits for a label, with its newest message and decision.

    `change` is there when last night's candidate would decide otherwise, `said` when it waits for a second look: the
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


def queue(session: Session, *, review_below: float, limit: int, kind: str | None = None) -> list[QueueItem]:
    """Labels that wait for a second look; then texts without a label: what last night's candidate would decide
    otherwise, most asked first, and doubted ones.

    Doubted are fallbacks, clarifications and hesitant answers, most expected benefit first: count x uncertainty, so
    texts asked often and decided least surely. `kind` keeps only texts whose newest decision was of that kind.
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
        .where(Label.id.in_(asked_again(session)))
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
    rows = session.execute(query if kind is None else query.where(DecisionRow.kind == kind))
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
    rows = session.execute(query if kind is None else query.where(DecisionRow.kind == kind))
    return [to_item(message, decision, count) for message, decision, count in rows]


def queue_lengths(session: Session, *, review_below: float) -> dict[str, int]:
    """How many distinct texts wait, by the kind of their newest decision."""
    lengths = Counter[str]()
    for waiting in (_changed(), _waiting(review_below)):
        query = (
            select(DecisionRow.kind, func.count())
            .join(waiting, waiting.c.newest == DecisionRow.message_id)
            .group_by(DecisionRow.kind)
        )
        lengths.update(dict(session.execute(query).tuples().all()))
    if again := len(asked_again(session)):
        lengths["again"] = again
    return dict(lengths)


def labels_since(session: Session, moment: datetime | None) -> int:
    """How many labels that teach something were given after a moment (None: ever)."""
    query = select(func.count()).select_from(Label).where(Label.undone_at.is_(None), Label.kind != "skip")
    return session.scalar(query if moment is None else query.where(Label.created_at > moment)) or 0


def texts_of(session: Session, ids: Sequence[str]) -> dict[str, str]:
    """The texts behind row ids like `phrasing:12`, `label:7`, `message:3`, `golden:1`; what is gone is left out."""
    found: dict[str, str] = {}
    for table, name in _TEXTS:
        numbers = [int(row.split(":")[1]) for row in ids if row.startswith(f"{name}:")]
        for start in range(0, len(numbers), 500):
            some = numbers[start : start + 500]
            rows = session.execute(select(table.id, table.text).where(table.id.in_(some)))
            found |= {f"{name}:{number}": text for number, text in rows}
    return found


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


def label_message(
    session: Session,
    message_id: int,
    *,
    kind: str,
    staff_id: int,
    holdout_share: float,
    intent: str | None = None,
) -> Label:
    """Say what a message meant; it counts for every message of the same normalised text.

    An earlier label of that text is undone, but a skip takes back no answer. The side (train or held out) is decided
    at first sight of a group of lexically near-duplicate texts and inherited by all later ones.
    """
    message = session.get(Message, message_id)
    if message is None:
        raise NotFoundError(f"no message {message_id}")
    if kind not in KINDS:
        raise BadInputError(f"label {kind!r:.40}; expected one of {', '.join(KINDS)}")
    if (kind == "intent") != (intent is not None):
        raise BadInputError(f"kind {kind!r} with intent {intent!r}; expected an intent with kind 'intent' only")
    if kind == "intent" and not message.normalised:
        raise BadInputError("this message has no letters or digits, so it cannot teach an intent")
    intent_id = find_intent(session, intent).id if intent is not None else None
    one_at_a_time(session)
    moment, active = now(), _active(session, message.text_key)
    idle = kind == "skip" and any(earlier.kind != "skip" for earlier in active)
    for earlier in active if not idle else ():
        earlier.undone_at = moment
    group, side = assign_side(session, message.normalised, holdout_share=holdout_share)
    label = Label(
        message_id=message.id,
        text=message.text,
        normalised=message.normalised,
        text_key=message.text_key,
        kind=kind,
        intent_id=intent_id,
        side=side,
        group_key=group,
        staff_id=staff_id,
        created_at=moment,
        undone_at=moment if idle else None,
    )
    session.add(label)
    session.flush()
    return label


def undo_last(session: Session, *, staff_id: int) -> Label:
    """Take back this person's newest label that still counts; the one that it superseded counts again.

    A skip that took back no answer counted for nothing, and goes as if it had never been. Raises NotFoundError when
    there is none.
    """
    idle = and_(Label.kind == "skip", Label.undone_at == Label.created_at)
    newest = select(Label).where(Label.staff_id == staff_id, or_(Label.undone_at.is_(None), idle))
    label = session.scalar(newest.order_by(Label.id.desc()).limit(1))
    if label is None:
        raise NotFoundError("you have no label to undo")
    if label.undone_at is not None:
        session.delete(label)
        return label
    superseded = session.scalars(
        select(Label).where(Label.text_key == label.text_key, Label.id < label.id, Label.undone_at == label.created_at)
    )
    for earlier in superseded:
        earlier.undone_at = None
    label.undone_at = now()
    return label


def active_labels(session: Session) -> list[Label]:
    """Every label that counts, oldest first, with its intent and its author."""
    query = select(Label).where(Label.undone_at.is_(None))
    return list(session.scalars(query.options(joinedload(Label.intent), joinedload(Label.staff)).order_by(Label.id)))


def _active(session: Session, text_key: str) -> Sequence[Label]:
    return session.scalars(select(Label).where(Label.text_key == text_key, Label.undone_at.is_(None))).all()


def _changed() -> Subquery:
    """Texts without a label that last night's candidate would decide otherwise, however sure the decision was."""
    labelled = select(Label.id).where(Label.text_key == Message.text_key, Label.undone_at.is_(None))
    return (
        select(func.max(Message.id).label("newest"), func.count().label("count"))
        .join(FlipRow, FlipRow.text_key == Message.text_key)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.normalised != "", DecisionRow.reason.not_in(CHOSEN), ~labelled.exists())
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
        .where(doubted, Message.normalised != "", DecisionRow.reason.not_in(CHOSEN))
        .where(~labelled.exists(), ~changed.exists())
        .group_by(Message.text_key)
        .subquery()
    )


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
