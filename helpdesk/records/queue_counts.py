"""How many texts wait to be labelled."""

from collections import Counter

from sqlalchemy import ColumnElement, ScalarSelect, and_, func, literal, or_, select
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.records.queue import Wanted, bounds, is_doubted
from helpdesk.records.relabel_requests import asked_again
from helpdesk.records.tables import AskedText, FlipRow


def count_items(session: Session, *, review_below: float, wanted: Wanted) -> int:
    """How many texts `items` lists in all."""
    again = len(asked_again(session)) if wanted.all else 0
    doubted = select(func.count()).select_from(AskedText).where(AskedText.open, *bounds(wanted))
    counted = session.scalar(doubted.where(is_doubted(review_below))) or 0
    return again + counted + sum(_sure_flips(session, wanted, review_below).values())


def queue_lengths(session: Session, *, review_below: float, most: int) -> dict[str, int]:
    """How many distinct texts wait, by the kind of their newest decision, `language` among them.

    Of each kind at most `most` are counted, in an index alone, so that the cost does not grow with the queue.
    """
    counted = {kind: _counted(waits, most) for kind, waits in _waits_by_kind(review_below).items()}
    row = session.execute(select(*(column.label(kind) for kind, column in counted.items()))).one()
    lengths = Counter({kind: count for kind, count in row._mapping.items() if count})
    lengths.update(_sure_flips(session, Wanted(), review_below))
    lengths.update({DecisionKind.ANSWER: _sure_disliked(session, review_below)})
    if again := len(asked_again(session)):
        lengths["again"] = again
    return {kind: count for kind, count in lengths.items() if count}


def _waits_by_kind(review_below: float) -> dict[str, ColumnElement[bool]]:
    """What waits, by kind. Reasons are listed, or a part of the index could not be skipped."""
    kind, reason = AskedText.kind, AskedText.reason
    others = [other for other in DecisionReason if other != DecisionReason.LANGUAGE]
    scored = [other for other in DecisionReason if other != DecisionReason.EXACT]
    return {
        DecisionKind.CLARIFY: kind == DecisionKind.CLARIFY,
        DecisionKind.FALLBACK: and_(kind == DecisionKind.FALLBACK, reason.in_(others)),
        DecisionReason.LANGUAGE: and_(kind == DecisionKind.FALLBACK, reason == DecisionReason.LANGUAGE),
        DecisionKind.ANSWER: and_(kind == DecisionKind.ANSWER, reason.in_(scored), AskedText.confidence < review_below),
    }


def _counted(waits: ColumnElement[bool], most: int) -> ScalarSelect[int]:
    some = select(literal(1)).select_from(AskedText).where(AskedText.open, waits).limit(most).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def _sure_disliked(session: Session, review_below: float) -> int:
    """The texts that were answered surely and that somebody was not helped by: a few."""
    # Apart from the rest, or SQLite takes another index and reads all that was answered.
    columns = (AskedText.kind, AskedText.confidence, AskedText.reason)
    disliked = select(*columns).where(AskedText.disliked, AskedText.open).cte("disliked").prefix_with("MATERIALIZED")
    found = disliked.c
    sure = or_(found.confidence >= review_below, found.reason == DecisionReason.EXACT)
    waits = select(func.count()).select_from(disliked).where(found.kind == DecisionKind.ANSWER, sure)
    return session.scalar(waits) or 0


def _sure_flips(session: Session, wanted: Wanted, review_below: float) -> Counter[str]:
    """Of the texts that last night's candidate would decide otherwise, a few, those that nobody doubts, by kind."""
    keys = session.scalars(select(FlipRow.text_key)).all()
    if not keys:
        return Counter()
    flips = select(AskedText).where(AskedText.text_key.in_(keys), *bounds(wanted), ~is_doubted(review_below))
    return Counter(_tab(text.kind, text.reason) for text in session.scalars(flips) if text.open)


def _tab(kind: str, reason: str) -> str:
    return reason if reason == DecisionReason.LANGUAGE else kind
