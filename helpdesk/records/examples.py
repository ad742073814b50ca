"""Training rows of other kinds than labelled phrasings: pairs, triplets, messages nobody labelled."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from helpdesk.errors import NotFoundError
from helpdesk.records.clock import now
from helpdesk.records.tables import Example
from helpdesk.text import normalise, text_key

TEXT_COLUMNS: Final = {
    "positive": ("text_a", "text_b"),
    "scored": ("text_a", "text_b", "similarity"),
    "similar": ("text_a", "text_b", "similar"),
    "triplet": ("anchor", "positive", "negative"),
    "unlabelled": ("text",),
}
WITH_VALUE: Final = ("scored", "similar")
_UNORDERED = ("positive", "scored", "similar")


@dataclass(frozen=True)
class NewExample:
    """One row as a file gives it: its texts as they were written, and how alike they are where the kind says so."""

    kind: str
    texts: tuple[str, ...]
    value: float | None = None

    @property
    def key(self) -> str:
        """The same for the same texts after normalising; a pair is the same either way round."""
        texts = [normalise(text) for text in self.texts]
        return text_key("\0".join(sorted(texts) if self.kind in _UNORDERED else texts))


@dataclass(frozen=True)
class StoredExamples:
    """What an import changed."""

    kind: str
    new: int
    changed: int
    known: int

    def sentence(self) -> str:
        """The same in words."""
        changed = f"{self.changed:,} with another value, " if self.kind in WITH_VALUE else ""
        return f"{self.kind}: {self.new:,} new rows, {changed}{self.known:,} known already"


@dataclass(frozen=True)
class KindCount:
    """How many rows of a kind one import gave."""

    kind: str
    source: str
    author: str
    rows: int


def store_examples(
    session: Session, kind: str, rows: Sequence[NewExample], *, source: str, author: str
) -> StoredExamples:
    """Add the rows of a kind that are not there yet; a known pair with another value takes the new one."""
    stored = select(Example.text_key, Example.value).where(Example.kind == kind)
    have = dict(session.execute(stored).tuples().all())
    wanted = {row.key: row for row in rows}
    fresh = {key: row for key, row in wanted.items() if key not in have}
    changed = [row for key, row in wanted.items() if key in have and not _same(have[key], row.value)]
    provenance = {"source": source, "author": author, "created_at": now()}
    if fresh:
        session.execute(insert(Example), [_columns(key, row) | provenance for key, row in fresh.items()])
    for row in changed:
        where = (Example.kind == kind, Example.text_key == row.key)
        session.execute(update(Example).where(*where).values(value=row.value, **provenance))
    return StoredExamples(kind, len(fresh), len(changed), len(rows) - len(fresh) - len(changed))


def list_examples(session: Session, kind: str, *, newest: int | None = None) -> list[Example]:
    """The examples of a kind, oldest first; only so many of the newest when `newest` is given."""
    query = select(Example).where(Example.kind == kind).order_by(Example.id.desc()).limit(newest)
    return list(session.scalars(query))[::-1]


def count_examples(session: Session) -> list[KindCount]:
    """Rows by kind, source and author."""
    columns = (Example.kind, Example.source, Example.author)
    found = session.execute(select(*columns, func.count()).group_by(*columns).order_by(*columns))
    return [KindCount(kind, source, author, rows) for kind, source, author, rows in found]


def remove_examples(session: Session, source: str) -> int:
    """Forget every row of a source; how many there were. Raises NotFoundError when there was none."""
    removed = list(session.scalars(delete(Example).where(Example.source == source).returning(Example.id)))
    if not removed:
        raise NotFoundError(f"no examples from {source!r}; `helpdesk data list` shows the sources")
    return len(removed)


def _same(stored: float | None, given: float | None) -> bool:
    return stored == given or (stored is not None and given is not None and math.isclose(stored, given))


def _columns(key: str, row: NewExample) -> dict[str, object]:
    first, second, third = (*row.texts, None, None)[:3]
    return {"kind": row.kind, "text_key": key, "first": first, "second": second, "third": third, "value": row.value}
