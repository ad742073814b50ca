"""What is wrong with the FAQ, as far as a database alone can tell: in a moment, on every look."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.records.tables import FaqRevision, Intent, Phrasing
from helpdesk.text import normalise

FEWEST_PHRASINGS = 3


@dataclass(frozen=True)
class FaultyEntry:
    """An entry as a fault shows it. seen: its last change, which a form names; phrasing: the row that is at fault."""

    id: int
    slug: str
    question: str
    phrasings: int
    seen: int
    phrasing: tuple[int, str] | None = None


@dataclass(frozen=True)
class QuickCheck:
    """Faults of the published entries. Texts and questions come with all entries that have them."""

    shared_texts: Sequence[Sequence[FaultyEntry]]
    same_questions: Sequence[Sequence[FaultyEntry]]
    unanswered: Sequence[FaultyEntry]
    thin: Sequence[FaultyEntry]

    def __len__(self) -> int:
        return sum(map(len, (self.shared_texts, self.same_questions, self.unanswered, self.thin)))


def quick_check(session: Session) -> QuickCheck:
    """Examine the published entries."""
    open_ = Intent.status == "published"
    counts = select(Phrasing.intent_id, func.count().label("n")).group_by(Phrasing.intent_id).subquery()
    seen = select(FaqRevision.intent_id, func.max(FaqRevision.id).label("n")).group_by(FaqRevision.intent_id).subquery()
    rows = (
        select(Intent.id, Intent.slug, Intent.question, Intent.answer, counts.c.n, seen.c.n)
        .outerjoin(counts, counts.c.intent_id == Intent.id)
        .outerjoin(seen, seen.c.intent_id == Intent.id)
        .where(open_)
        .order_by(Intent.slug)
    )
    entries: dict[int, FaultyEntry] = {}
    unanswered = []
    asking: dict[str, list[FaultyEntry]] = defaultdict(list)
    for id_, slug, question, answer, count, last in session.execute(rows):
        entry = entries[id_] = FaultyEntry(id_, slug, question, count or 0, last or 0)
        asking[normalise(question)].append(entry)
        unanswered += [] if answer.strip() else [entry]
    return QuickCheck(
        shared_texts=_shared(session, entries),
        same_questions=[same for same in asking.values() if len(same) > 1],
        unanswered=unanswered,
        thin=[entry for entry in entries.values() if entry.phrasings < FEWEST_PHRASINGS],
    )


def _shared(session: Session, entries: dict[int, FaultyEntry]) -> list[list[FaultyEntry]]:
    twice = select(Phrasing.text_key).join(Intent).where(Intent.status == "published")
    twice = twice.group_by(Phrasing.text_key).having(func.count() > 1)
    rows = select(Phrasing.text_key, Phrasing.intent_id, Phrasing.id, Phrasing.text).join(Intent)
    rows = rows.where(Intent.status == "published", Phrasing.text_key.in_(twice)).order_by(Phrasing.id)
    found: dict[str, list[FaultyEntry]] = defaultdict(list)
    for key, intent_id, phrasing_id, text in session.execute(rows):
        entry = entries[intent_id]
        found[key].append(
            FaultyEntry(entry.id, entry.slug, entry.question, entry.phrasings, entry.seen, (phrasing_id, text))
        )
    return list(found.values())
