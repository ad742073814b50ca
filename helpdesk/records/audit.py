"""The audit sample: messages drawn at random with known probability, whatever was decided, and labelled blind.

The ordinary queue shows what the bot was unsure of. Its labels teach, but they say nothing of traffic as a whole: an
answer that is wrong and sure of itself never enters it. Only this sample is an estimate's input.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import CTE, ColumnElement, Row, Select, case, func, null, select
from sqlalchemy.orm import Session

from helpdesk.decisions import ANSWERS, NO_QUESTION, DecisionKind, DecisionReason
from helpdesk.records.labels import SAID
from helpdesk.records.names import current_names
from helpdesk.records.periods import Period, first_message_since
from helpdesk.records.queue import QueueItem, to_item
from helpdesk.records.tables import DecisionRow, FlipRow, Intent, Label, Message
from helpdesk.records.tables.ranking import of_the_best
from helpdesk.stats.audit_estimates import Audited, out_of_scope
from helpdesk.text import OUT_OF_SCOPE

AUDIT_WINDOW = timedelta(days=30)
TRAFFIC_DAYS = 7.0
ENOUGH_LABELLED = 30


@dataclass(frozen=True)
class TrafficRate:
    """How many messages came lately, and in how many days (1 to 7)."""

    messages: int
    days: float


def recent_traffic(session: Session, moment: datetime) -> TrafficRate:
    """The messages of the seven days before a moment; a shorter past counts for as long as it was, at least a day."""
    since = moment - timedelta(days=TRAFFIC_DAYS)
    query = select(func.count(), func.min(Message.created_at)).where(
        Message.created_at > since, Message.created_at <= moment
    )
    count, first = session.execute(query).tuples().one()
    if first is None:
        return TrafficRate(0, 1.0)
    return TrafficRate(count, min(TRAFFIC_DAYS, max(1.0, (moment - first) / timedelta(days=1))))


def inclusion_probability(traffic: TrafficRate, *, rate: float, per_night: float, most: float) -> float:
    """The probability with which the next message is drawn: `rate`, more when that gives fewer than `per_night` a day,
    less when it gives more than `most`.

    It depends on past traffic alone, so it is known before the draw and never on what the message says.
    """
    mean = traffic.messages / traffic.days
    if not mean:
        return 1.0 if per_night > 0 else rate
    return min(max(rate, per_night / mean), most / mean, 1.0)


def read_sample(
    session: Session, *, since: datetime, review_below: float, until: datetime | None = None, channel: str | None = None
) -> list[Audited]:
    """The messages drawn since a moment, each with what was decided and, once somebody said it, what it meant.

    Up to another moment and of one channel, if these are named.

    A text means what its newest label says, whichever queue the label came from: how it was drawn makes the
    sample.
    A message without letters or digits, or that is no question, is none of the FAQs.
    """
    label = (
        select(func.max(Label.id))
        .where(Label.text_key == Message.text_key, Label.undone_at.is_(None), Label.kind.in_(SAID))
        .correlate(Message)
        .scalar_subquery()
    )
    drawn, row = _drawn(since), DecisionRow
    several = case((row.reason.in_(list(ANSWERS)), row.ranking), else_=null())  # long, and seldom needed
    best = of_the_best(row.ranking, "intent").label("best")
    decided = (row.inclusion_probability, row.kind, row.intent, row.confidence, row.reason, best)
    query = (
        select(*decided, several.label("ranking"))
        .add_columns(Message.normalised, Label.kind.label("said"), Intent.slug, Intent.status, FlipRow.text_key)
        .join(drawn, drawn.c.message_id == DecisionRow.message_id)
        .join(Message, Message.id == DecisionRow.message_id)
        .outerjoin(Label, Label.id == label)
        .outerjoin(Intent, Intent.id == Label.intent_id)
        .outerjoin(FlipRow, FlipRow.text_key == Message.text_key)
        .where(Period(since, until, channel).holds)
        .order_by(DecisionRow.message_id)
    )
    names = current_names(session)
    return [_audited(found, names, review_below=review_below) for found in session.execute(query)]


def out_of_scope_share(session: Session, *, since: datetime, review_below: float) -> float | None:
    """The share of traffic that none of the FAQs answers, a percentage rounded up; None below 30 labelled messages.

    Rounded, so that a night does not rebuild everything because of one more message, and up, since few messages must
    not say never.
    """
    found = out_of_scope(read_sample(session, since=since, review_below=review_below))
    if found.share is None or found.labelled < ENOUGH_LABELLED:
        return None
    return max(1, ceil(100 * found.share)) / 100


def drawn_texts(session: Session) -> set[str]:
    """The text keys of all messages that were ever drawn."""
    drawn = select(Message.text_key).join(DecisionRow, DecisionRow.message_id == Message.id)
    return set(session.scalars(drawn.where(DecisionRow.inclusion_probability.is_not(None)).distinct()))


def audit_queue(session: Session, *, since: datetime, limit: int, offset: int = 0) -> list[QueueItem]:
    """Drawn texts that nobody has labelled, in an order that has nothing to do with what they say or what was decided.

    The order is that of a hash of the text, so whoever labels only part of it has labelled a random part. What was put
    off or flagged still waits, and comes last.
    """
    waiting = _waiting(since).subquery()
    order = (_put_off(waiting.c.text_key).label("put_off"), waiting.c.text_key)
    first = select(waiting, order[0]).order_by(*order).limit(limit).offset(offset).subquery()
    query = (
        select(Message, DecisionRow, first.c.count)
        .join(first, first.c.newest == Message.id)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .order_by(first.c.put_off, first.c.text_key)
    )
    return [to_item(message, decision, count) for message, decision, count in session.execute(query)]


def audit_queue_length(session: Session, *, since: datetime) -> int:
    """How many drawn texts wait."""
    return session.scalar(select(func.count()).select_from(_waiting(since).subquery())) or 0


def _put_off(text_key: ColumnElement[str]) -> ColumnElement[bool]:
    marks = select(Label.id).where(Label.text_key == text_key, Label.undone_at.is_(None), Label.kind.not_in(SAID))
    return marks.exists()


def _waiting(since: datetime) -> Select[str, int, int]:
    labelled = select(Label.id).where(
        Label.text_key == Message.text_key, Label.undone_at.is_(None), Label.kind.in_(SAID)
    )
    drawn = _drawn(since)
    return (
        select(Message.text_key, func.max(Message.id).label("newest"), func.count().label("count"))
        .join(drawn, drawn.c.message_id == Message.id)
        .where(Message.created_at > since, Message.normalised != "", ~labelled.exists())
        .group_by(Message.text_key)
    )


def _drawn(since: datetime) -> CTE:
    """The messages drawn since a moment, and hardly any before; materialised, or SQLite reads every message instead."""
    late = select(DecisionRow.message_id).where(
        DecisionRow.inclusion_probability.is_not(None), DecisionRow.message_id >= first_message_since(since)
    )
    return late.cte("drawn").prefix_with("MATERIALIZED")


def _audited(found: Row[Any], names: Mapping[str, str], *, review_below: float) -> Audited:
    certain = found.confidence >= review_below or found.reason == DecisionReason.EXACT
    sure = found.kind in NO_QUESTION or (found.kind == DecisionKind.ANSWER and certain)
    others = found.ranking[1 : ANSWERS[found.reason]] if found.ranking else ()
    intents = [found.intent, *(ranked["intent"] for ranked in others)] if found.intent else []
    return Audited(
        inclusion_probability=found.inclusion_probability or 1.0,
        kind=found.kind,
        intents=tuple(names.get(intent, intent) for intent in intents),
        confidence=found.confidence,
        reason=found.reason,
        best=names.get(found.best, found.best) if found.best else None,
        queued=found.text_key is not None or not sure,
        meaning=_meaning(found.normalised, found.said, found.slug),
        published=found.status in (None, "published"),
        text=found.normalised,
    )


def _meaning(normalised: str, kind: str | None, slug: str | None) -> str | None:
    if not normalised or kind in ("out_of_scope", "not_a_question"):
        return OUT_OF_SCOPE
    return slug
