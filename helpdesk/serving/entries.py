"""The published entries as replies need them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records.tables import Intent
from helpdesk.text import normalise

_HINT = 60  # characters of an answer that tell it from another one


@dataclass(frozen=True)
class FaqEntry:
    """What a reply needs to know of a published intent; one without an answer is matched and never spoken.

    shown: its question as a choice, with a hint where another entry has the same question; follow_ups: names of other
    entries, former ones among them; urgent: whoever asks it is handed over at once, beside the answer.
    """

    slug: str
    question: str
    answer: str
    locale: str
    tags: tuple[str, ...]
    shown: str
    follow_ups: tuple[str, ...] = ()
    urgent: bool = False


def read_entries(session: Session) -> dict[str, FaqEntry]:
    """The published entries by slug."""
    rows = session.scalars(select(Intent).where(Intent.status == "published").order_by(Intent.id))
    entries = [
        FaqEntry(
            row.slug,
            row.question,
            row.answer,
            row.locale,
            tuple(row.tags),
            shown=row.question,
            follow_ups=tuple(row.follow_ups),
            urgent=row.urgent,
        )
        for row in rows
    ]
    return {entry.slug: entry for entry in _told_apart(entries)}


def _told_apart(entries: Sequence[FaqEntry]) -> Iterator[FaqEntry]:
    """No two entries are shown alike: the answer's beginning tells them apart, or the slug where that does not."""
    alike = Counter(normalise(entry.question) for entry in entries)
    hinted = Counter((normalise(entry.question), _hint(entry)) for entry in entries)
    for entry in entries:
        question, hint = normalise(entry.question), _hint(entry)
        if alike[question] == 1:
            yield entry
        else:
            told = hint if hint and hinted[question, hint] == 1 else entry.slug
            yield replace(entry, shown=f"{entry.question} ({told})")


def _hint(entry: FaqEntry) -> str:
    """The first words of its answer."""
    words = " ".join(entry.answer.split())
    return words if len(words) <= _HINT else f"{words[:_HINT].rpartition(' ')[0] or words[:_HINT]} ..."
