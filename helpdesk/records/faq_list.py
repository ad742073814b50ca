"""The list of FAQ entries: searched, filtered, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session

from helpdesk.records.faq import state as state_of
from helpdesk.records.tables import FaqRevision, Intent, Phrasing
from helpdesk.text import normalise, slugify

STATES: Final = ("published", "draft", "unanswered", "archived")


@dataclass(frozen=True)
class ListedEntry:
    """One line of the list. author: of the last change, "" where nobody is known."""

    id: int
    slug: str
    question: str
    answer: str
    state: str
    locale: str
    tags: tuple[str, ...]
    phrasings: int
    changed: datetime
    author: str
    urgent: bool


def list_page(
    session: Session, *, limit: int, state: str = "", query: str = "", tag: str = "", after: str = ""
) -> list[ListedEntry]:
    """Entries by slug, from the one after a slug on.

    query: part of a question, a phrasing or a slug, however it is typed. At most `limit` + 1 entries: one more says
    that there is another page.
    """
    wanted = _wanted(select(Intent), state=state, query=query).where(Intent.slug > after).order_by(Intent.slug)
    if tag:
        tagged = session.execute(wanted.with_only_columns(Intent.id, Intent.tags))
        wanted = wanted.where(Intent.id.in_([id_ for id_, tags in tagged if tag in tags][: limit + 1]))
    rows = list(session.scalars(wanted.limit(limit + 1)))
    ids = [intent.id for intent in rows]
    counts = select(Phrasing.intent_id, func.count()).where(Phrasing.intent_id.in_(ids)).group_by(Phrasing.intent_id)
    phrasings = dict(session.execute(counts).tuples().all())
    newest = select(func.max(FaqRevision.id)).where(FaqRevision.intent_id.in_(ids)).group_by(FaqRevision.intent_id)
    authors = select(FaqRevision.intent_id, FaqRevision.author).where(FaqRevision.id.in_(newest))
    by = dict(session.execute(authors).tuples().all())
    return [_listed(intent, phrasings.get(intent.id, 0), by.get(intent.id, "")) for intent in rows]


def count_states(session: Session) -> dict[str, int]:
    """How many entries are in each state."""
    empty = (func.trim(Intent.answer) == "").label("empty")
    rows = select(Intent.status, empty, func.count()).group_by(Intent.status, "empty")
    found = dict.fromkeys(STATES, 0)
    for status, unanswered, count in session.execute(rows):
        name = "unanswered" if status == "published" and unanswered else status
        if name in found:
            found[name] += count
    return found


def entry_names(session: Session) -> Sequence[tuple[str, str]]:
    """(slug, question) of every entry that is there, by slug, to choose one from."""
    query = select(Intent.slug, Intent.question).where(Intent.status != "deleted").order_by(Intent.slug)
    return session.execute(query).tuples().all()


def _wanted(rows: Select[Intent], *, state: str, query: str) -> Select[Intent]:
    rows = rows.where(_in_state(state))
    words = normalise(query)
    if not query.strip():
        return rows
    spoken = select(Phrasing.intent_id).where(Phrasing.normalised.contains(words, autoescape=True))
    ways = [Intent.question.icontains(query.strip(), autoescape=True)]
    ways += [Intent.id.in_(spoken)] if words else []
    ways += [Intent.slug.contains(form, autoescape=True)] if (form := slugify(query)) else []
    return rows.where(or_(*ways))


def _in_state(state: str) -> ColumnElement[bool]:
    if state == "published":
        return and_(Intent.status == state, func.trim(Intent.answer) != "")
    if state == "unanswered":
        return and_(Intent.status == "published", func.trim(Intent.answer) == "")
    return Intent.status == state if state in STATES else Intent.status != "deleted"


def _listed(intent: Intent, phrasings: int, author: str) -> ListedEntry:
    return ListedEntry(
        id=intent.id,
        slug=intent.slug,
        question=intent.question,
        answer=intent.answer,
        state=state_of(intent),
        locale=intent.locale,
        tags=tuple(intent.tags),
        phrasings=phrasings,
        changed=intent.updated_at,
        author=author,
        urgent=intent.urgent,
    )
