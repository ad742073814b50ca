"""Who labelled how much, how far people agree, and which entries are taken for each other."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Subquery, and_, func, or_, select
from sqlalchemy.orm import Session

from helpdesk.decisions import ANSWERS, CHOSEN, DecisionKind
from helpdesk.records.labels import SAID, TEACHING
from helpdesk.records.names import current_names
from helpdesk.records.periods import Period
from helpdesk.records.tables import DecisionRow, Intent, Label, Message, Staff
from helpdesk.text import OUT_OF_SCOPE

TAUGHT = and_(Label.kind.in_(TEACHING), Label.undone_at.is_(None))


@dataclass(frozen=True)
class Labeller:
    """One person's labels: how many, on how many texts; shared: of these, texts that somebody else labelled too;
    alike: of those, where all said the same."""

    name: str
    labels: int
    texts: int
    shared: int
    alike: int


@dataclass(frozen=True)
class Agreement:
    """The people, busiest first; and of all texts that two of them labelled, on how many they agree."""

    people: list[Labeller]
    shared: int
    alike: int


@dataclass(frozen=True)
class Mistaken:
    """Messages that were answered with `said` and mean `meant`: slugs, OUT_OF_SCOPE for none of the FAQs."""

    meant: str
    said: str
    count: int


def read_agreement(session: Session, period: Period) -> Agreement:
    """From the labels given in a period, whatever became of them but those taken back or left out.

    Everybody's last word on a text counts; texts, not messages, so the channel makes no difference.
    """
    last = _last_words(period)
    meanings = func.count(func.coalesce(Label.intent_id, 0).distinct()) + func.count(Label.kind.distinct())
    texts = (
        select(last.c.text_key, (meanings == 2).label("alike"))  # one kind, one intent
        .join(Label, Label.id == last.c.newest)
        .group_by(last.c.text_key)
        .having(func.count() > 1)
        .subquery()
    )
    query = (
        select(Staff.name, func.sum(last.c.labels), func.count(), func.count(texts.c.alike))
        .add_columns(func.count().filter(texts.c.alike))
        .join(last, last.c.staff_id == Staff.id)
        .outerjoin(texts, texts.c.text_key == last.c.text_key)
        .group_by(Staff.name)
        .order_by(func.sum(last.c.labels).desc(), Staff.name)
    )
    people = [Labeller(*row) for row in session.execute(query).tuples()]
    all_of_them = select(func.count(), func.count().filter(texts.c.alike)).select_from(texts)
    shared, alike = session.execute(all_of_them).tuples().one()
    return Agreement(people, shared, alike)


def _last_words(period: Period) -> Subquery:
    """Everybody's newest label of each text, and how many they gave it."""
    stands = or_(Label.undone_at.is_(None), Label.superseded_by.is_not(None))
    query = select(
        Label.text_key, Label.staff_id, func.max(Label.id).label("newest"), func.count().label("labels")
    ).where(Label.kind.in_(SAID), stands, Label.excluded_by.is_(None))
    if period.since is not None:
        query = query.where(Label.created_at >= period.since)
    if period.until is not None:
        query = query.where(Label.created_at < period.until)
    return query.group_by(Label.text_key, Label.staff_id).subquery()


def read_confusions(session: Session, period: Period) -> list[Mistaken]:
    """Answers of a period that the text's label speaks against, by the names of today, most frequent first.

    Answers to several questions at once are left out: the label may mean any of them.
    """
    newest = select(func.max(Label.id)).where(TAUGHT).group_by(Label.text_key)
    meant = (
        select(Label.text_key, func.coalesce(Intent.slug, OUT_OF_SCOPE).label("meant"))
        .outerjoin(Intent, Intent.id == Label.intent_id)
        .where(Label.id.in_(newest))
        .cte("meant")
        .prefix_with("MATERIALIZED")
    )
    said = and_(
        DecisionRow.message_id == Message.id,
        DecisionRow.kind == DecisionKind.ANSWER,
        DecisionRow.reason.not_in((*ANSWERS, *CHOSEN)),
    )
    # Labels first: there are few beside messages. Outer joins, or SQLite may begin with the messages.
    both = (DecisionRow.intent, meant.c.meant)
    query = (
        select(*both, func.count())
        .select_from(meant)
        .outerjoin(Message, and_(Message.text_key == meant.c.text_key, period.holds))
        .outerjoin(DecisionRow, said)
        .group_by(*both)
    )
    names = current_names(session)
    found = Counter[tuple[str, str]]()
    for answered, label, count in session.execute(query):
        pair = label, names.get(answered, answered)
        if answered is not None and pair[0] != pair[1]:
            found[pair] += count
    return [Mistaken(*pair, count) for pair, count in sorted(found.items(), key=lambda row: (-row[1], row[0]))]
