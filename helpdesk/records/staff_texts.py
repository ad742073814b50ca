"""Texts of staff: what the FAQ, its history, promises and training data had before somebody wrote the same, or had from
a file. Erasing that person leaves them: they are no copies of a message."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from helpdesk.records.message_deletion import among
from helpdesk.records.tables import Example, FaqRevision, GoldenPhraseRow, Phrasing
from helpdesk.text import normalise, text_key

_EDITED = "edit"
IMPORTED = "import"


def texts_of_staff(session: Session, texts: Mapping[str, str], since: Mapping[str, datetime]) -> set[str]:
    """Those of the texts (by key) that staff had before they were written first, at `since`, or without that."""
    found = {key for key, _ in _phrasings(session, texts, since)}
    golden = select(GoldenPhraseRow.text_key, GoldenPhraseRow.created_at)
    found |= {
        key
        for key, at in session.execute(golden.where(or_(*among(GoldenPhraseRow.text_key, texts)))).tuples()
        if at < since[key]
    }
    for first, at in session.execute(select(Example.first, Example.created_at).where(saying(texts))).tuples():
        key = text_key(normalise(first))
        if key in texts and at < since[key]:
            found.add(key)
    return found | _in_history(session, since)


def entries_that_say(session: Session, texts: Mapping[str, str], since: Mapping[str, datetime]) -> set[str]:
    """The names of the entries that have one of the texts of their own, as question or phrasing."""
    return {slug for _, slug in _phrasings(session, texts, since)}


def saying(texts: Mapping[str, str]) -> Any:
    """A condition on training examples: they say one of the texts (by key)."""
    forms = {form for text in texts.values() for form in (text, normalise(text))}
    return or_(*among(Example.first, forms), *among(Example.text_key, texts))


def texts_in(entry: Mapping[str, Any]) -> Iterator[str]:
    """The texts of an entry in its history that a message may have become: its question and its phrasings."""
    yield entry["question"]
    yield from (row[0] for row in entry["phrasings"])


def _phrasings(session: Session, texts: Collection[str], since: Mapping[str, datetime]) -> Iterator[tuple[str, str]]:
    for row in session.scalars(select(Phrasing).where(or_(*among(Phrasing.text_key, texts)))):
        if row.source != _EDITED or row.created_at < since[row.text_key]:
            yield row.text_key, row.intent.slug


def _in_history(session: Session, since: Mapping[str, datetime]) -> set[str]:
    """Texts that an entry had before they were written first."""
    found: set[str] = set()
    if since:
        before = select(FaqRevision.entry, FaqRevision.created_at).where(FaqRevision.created_at < max(since.values()))
        for entry, at in session.execute(before).tuples():
            keys = {text_key(normalise(text)) for text in texts_in(entry)}
            found |= {key for key in keys & since.keys() if at < since[key]}
    return found
