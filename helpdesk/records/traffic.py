"""What people asked and what they were told, counted. Every message is counted, so nothing here is an estimate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION, DecisionKind, DecisionReason
from helpdesk.records.conversations import answered_intents
from helpdesk.records.labels import SAID
from helpdesk.records.periods import Period
from helpdesk.records.tables import DecisionRow, Intent, Label, Message, Phrasing
from helpdesk.records.tables.ranking import of_the_best


@dataclass(frozen=True)
class Outcomes:
    """How many messages were answered, asked back about, and not answered; choices count with their question.

    chosen: questions that ended in an answer; rejected: those that ended with "none of these"; wished: not answered
    because the person asked for that; small_talk: got a short reply, and count with nothing else.
    """

    answered: int
    clarified: int
    unanswered: int
    chosen: int
    rejected: int
    wished: int = 0
    small_talk: int = 0

    @property
    def messages(self) -> int:
        """All of them but small talk."""
        return self.answered + self.clarified + self.unanswered

    @property
    def left(self) -> int:
        """Questions back that nobody chose an answer to; a choice may come a day later, so at least none."""
        return max(0, self.clarified - self.chosen - self.rejected)

    @property
    def coverage(self) -> float | None:
        """Share of messages that were answered directly, None without messages."""
        return self.answered / self.messages if self.messages else None


@dataclass(frozen=True)
class TopicCount:
    """One thing people asked: an intent's slug or a text, how often, and a message to look at."""

    name: str
    count: int
    message_id: int


def count_outcomes(session: Session, *, since: datetime | None, until: datetime | None = None) -> Outcomes:
    """What became of the messages since a moment (None: ever), up to another (None: now)."""
    query = select(DecisionRow.kind, DecisionRow.reason, func.count()).join(
        Message, Message.id == DecisionRow.message_id
    )
    query = query.group_by(DecisionRow.kind, DecisionRow.reason)
    if since is not None:
        query = query.where(Message.created_at > since)
    if until is not None:
        query = query.where(Message.created_at <= until)
    return outcomes_of({(kind, reason): count for kind, reason, count in session.execute(query)})


def outcomes_of(decided: Mapping[tuple[str, str], int]) -> Outcomes:
    """The outcomes of messages that are counted by the kind and the reason of their decision."""
    counts: dict[tuple[str, bool], int] = {}
    for (kind, reason), count in decided.items():
        unanswered = kind == DecisionKind.FALLBACK and reason != DecisionReason.NONE_OF_THESE  # like any other
        key = (kind, reason in CHOSEN and not unanswered)
        counts[key] = counts.get(key, 0) + count
    return Outcomes(
        answered=counts.get((DecisionKind.ANSWER, False), 0),
        clarified=counts.get((DecisionKind.CLARIFY, False), 0),
        unanswered=counts.get((DecisionKind.FALLBACK, False), 0) + counts.get((DecisionKind.HANDOFF, False), 0),
        chosen=counts.get((DecisionKind.ANSWER, True), 0),
        rejected=counts.get((DecisionKind.FALLBACK, True), 0),
        wished=counts.get((DecisionKind.HANDOFF, False), 0),
        small_talk=counts.get((DecisionKind.SMALLTALK, False), 0),
    )


def direct_answers(session: Session, *, since: datetime) -> list[tuple[str, ...]]:
    """What each message since a moment was answered directly, in the order they came: no intent, one or two.

    Choices from a menu are left out.
    """
    query = select(DecisionRow).join(Message, Message.id == DecisionRow.message_id)
    query = query.where(Message.created_at > since, DecisionRow.reason.not_in(CHOSEN)).order_by(Message.id)
    return [answered_intents(decision) for decision in session.scalars(query)]


def content_gaps(session: Session, period: Period, *, limit: int) -> list[TopicCount]:
    """The texts that were left unanswered most and that no published entry has: what the FAQ lacks.

    An entry has a text by a label or as a phrasing. What is known to be none of the FAQs is lacking too.
    """
    published = Intent.status == "published"
    labelled = select(Label.text_key).join(Intent, Intent.id == Label.intent_id)
    phrased = select(Phrasing.text_key).join(Intent, Intent.id == Phrasing.intent_id)
    # Decisions first, in their index alone, and messages after them: most messages were not missed. Entries last, since
    # PostgreSQL else looks for one of every message.
    missed = select(DecisionRow.message_id).where(
        DecisionRow.kind == DecisionKind.FALLBACK, _decided(), period.may_hold(DecisionRow.message_id)
    )
    some = missed.cte("missed").prefix_with("MATERIALIZED")
    texts = (
        select(Message.text_key, func.max(Message.id).label("newest"), func.count().label("count"))
        .join(some, some.c.message_id == Message.id)
        .where(period.holds)
        .group_by(Message.text_key)
        .subquery()
    )
    query = (
        select(texts.c.newest, texts.c.count)
        .where(texts.c.text_key.not_in(labelled.where(published, Label.undone_at.is_(None))))
        .where(texts.c.text_key.not_in(phrased.where(published)))
        .order_by(texts.c.count.desc(), texts.c.newest.desc())
        .limit(limit)
        .subquery()
    )
    named = select(Message.normalised, query.c.count, query.c.newest).join(query, query.c.newest == Message.id)
    rows = session.execute(named.order_by(query.c.count.desc(), query.c.newest.desc()))
    return [TopicCount(text, number, message_id) for text, number, message_id in rows]


def unanswered_texts(session: Session, *, since: datetime, limit: int) -> list[TopicCount]:
    """Texts that were not answered and that nobody has labelled in any way, most frequent first."""
    labelled = select(Label.id).where(
        Label.text_key == Message.text_key, Label.undone_at.is_(None), Label.kind.in_(SAID)
    )
    query = (
        select(func.max(Message.normalised), func.count(), func.max(Message.id))
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.created_at > since, _decided(), DecisionRow.kind != DecisionKind.ANSWER)
        .where(~labelled.exists())
        .group_by(Message.text_key)
        .order_by(func.count().desc(), Message.text_key)
        .limit(limit)
    )
    return [TopicCount(text, count, newest) for text, count, newest in session.execute(query)]


def count_unfamiliar(
    session: Session, *, since: datetime, until: datetime, below: Mapping[int, float]
) -> tuple[int, int]:
    """(messages, those whose best intent had a confidence below a level) between two moments.

    Each version has its own level, by its id; what a version without one decided is left out. Texts that staff know to
    be none of the FAQs are familiar, whatever their confidence.
    """
    if not below:
        return 0, 0
    level = case(below, value=DecisionRow.version_id)
    doubtful = and_(DecisionRow.confidence < level, DecisionRow.reason != DecisionReason.KNOWN_OUT_OF_SCOPE)
    unfamiliar = func.count().filter(doubtful)
    query = (
        select(func.count(), unfamiliar)
        .join(Message, Message.id == DecisionRow.message_id)
        .where(_between(since, until), _decided(), DecisionRow.version_id.in_(below))
    )
    messages, found = session.execute(query).tuples().one()
    return messages, found


def count_by_best_intent(session: Session, *, since: datetime, until: datetime) -> dict[str, int]:
    """How many messages had which intent ranked first, whether it was answered or not."""
    best = of_the_best(DecisionRow.ranking, "intent")
    query = (
        select(best, func.count())
        .join(Message, Message.id == DecisionRow.message_id)
        .where(_between(since, until), _decided())
        .group_by(best)
    )
    return {intent: count for intent, count in session.execute(query) if intent}


def idle_phrasings(session: Session, *, since: datetime) -> list[tuple[str, int, int]]:
    """(intent, phrasings, idle phrasings) of published intents, most idle ones first.

    A phrasing is idle when it is older than `since` and after that nobody said it and it was nearest to no message.
    """
    nearest = of_the_best(DecisionRow.ranking, "nearest")
    query = (
        select(nearest).distinct().join(Message, Message.id == DecisionRow.message_id).where(Message.created_at > since)
    )
    used = {row for row in session.scalars(query) if row}
    said = select(Message.id).where(Message.text_key == Phrasing.text_key, Message.created_at > since).exists()
    phrasings = (
        select(Intent.slug, Phrasing.id, Phrasing.created_at, said)
        .join(Intent, Intent.id == Phrasing.intent_id)
        .where(Intent.status == "published", Phrasing.source != "question")
    )
    counts: dict[str, tuple[int, int]] = {}
    for slug, phrasing, created, known in session.execute(phrasings):
        total, idle = counts.get(slug, (0, 0))
        counts[slug] = (total + 1, idle + (created < since and not known and f"phrasing:{phrasing}" not in used))
    found = [(slug, total, idle) for slug, (total, idle) in counts.items() if idle]
    return sorted(found, key=lambda row: (-row[2], row[0]))


def messages_by_id(session: Session, ids: Sequence[int]) -> dict[int, str]:
    """The texts of messages that are still stored."""
    return dict(session.execute(select(Message.id, Message.text).where(Message.id.in_(ids))).tuples().all())


def _decided() -> ColumnElement[bool]:
    """Questions that a version decided about: no choices from a menu, no empty texts, no small talk, no wishes for a
    person, not while no version served."""
    asked = and_(DecisionRow.reason.not_in((*CHOSEN, DecisionReason.EMPTY)), DecisionRow.kind.not_in(NO_QUESTION))
    return and_(DecisionRow.version_id.is_not(None), asked)


def _between(since: datetime, until: datetime) -> ColumnElement[bool]:
    return and_(Message.created_at > since, Message.created_at <= until)
