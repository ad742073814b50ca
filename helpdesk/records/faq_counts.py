"""The FAQ's entries as a report lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.records.agreement import Mistaken
from helpdesk.records.day_counts import Answers
from helpdesk.records.feedback import Ratings
from helpdesk.records.tables import Intent, Phrasing


@dataclass(frozen=True)
class FaqCount:
    """One entry. answers: how often it was the answer; wrong: of its answers, those a label speaks against;
    confused: what was meant instead, as (slug, count); changed: when its text or a phrasing changed last;
    ratings: what customers said of its answers."""

    slug: str
    question: str
    status: str
    answers: Answers
    wrong: int
    confused: Sequence[tuple[str, int]]
    changed: datetime
    ratings: Ratings


def read_faq_counts(
    session: Session,
    answers: Mapping[str, Answers],
    confusions: Sequence[Mistaken],
    ratings: Mapping[str, Ratings] = MappingProxyType({}),
) -> list[FaqCount]:
    """Every entry, those answered most first."""
    added = (
        select(Phrasing.intent_id, func.max(Phrasing.created_at).label("at")).group_by(Phrasing.intent_id).subquery()
    )
    query = select(Intent, added.c.at).outerjoin(added, added.c.intent_id == Intent.id)
    wrong: dict[str, list[tuple[str, int]]] = {}
    for row in confusions:
        wrong.setdefault(row.said, []).append((row.meant, row.count))
    found = [
        FaqCount(
            intent.slug,
            intent.question,
            intent.status,
            answers.get(intent.slug, Answers()),
            sum(count for _, count in wrong.get(intent.slug, ())),
            wrong.get(intent.slug, ()),
            max(intent.updated_at, at or intent.updated_at),
            ratings.get(intent.slug, Ratings()),
        )
        for intent, at in session.execute(query)
    ]
    return sorted(found, key=lambda row: (-row.answers.all, row.slug))
