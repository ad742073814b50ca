"""What editors added since a bundle was built, and who else has those texts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.matching.bundle import Bundle
from helpdesk.matching.known_texts import Additions
from helpdesk.records.exclusions import excluded_rows
from helpdesk.records.labels import SAID
from helpdesk.records.tables import Intent, Label, Phrasing
from helpdesk.text import OUT_OF_SCOPE

MOST_ENCODED = 2000  # later ones match exactly only
_AT_ONCE = 500
Value = TypeVar("Value", int, str)


@dataclass(frozen=True)
class Added:
    """A published phrasing that the bundle was built without; having: every published entry that has its text."""

    id: int
    normalised: str
    text_key: str
    having: tuple[str, ...]


def read_added(session: Session, bundle: Bundle) -> list[Added]:
    """The published phrasings that the bundle was built without, though nobody excluded them, oldest first.

    They may be older than the bundle: their entry was a draft when it was built. What the bundle says of a text stays
    while a label that counts says the same.
    """
    known = set(bundle.phrasing_ids)
    published = select(Phrasing.id).join(Intent).where(Intent.status == "published").order_by(Phrasing.id)
    unknown = [id_ for id_ in session.scalars(published) if f"phrasing:{id_}" not in known]
    if not unknown:
        return []
    left_out = excluded_rows(session)
    added = [id_ for id_ in unknown if f"phrasing:{id_}" not in left_out]
    texts = [
        row.tuple()
        for some in _parts(added)
        for row in session.execute(
            select(Phrasing.id, Phrasing.normalised, Phrasing.text_key).where(Phrasing.id.in_(some))
        )
    ]
    keys = {key for _, _, key in texts}
    settled = _settled(session, {key: bundle.exact[key] for key in keys & bundle.exact.keys()})
    having = _having(session, sorted(keys - settled), left_out)
    return [Added(id_, text, key, having[key]) for id_, text, key in sorted(texts) if key not in settled]


def match_exactly(added: Sequence[Added]) -> Additions:
    """Additions that are matched by their very text."""
    return Additions(exact={row.text_key: row.having for row in added})


def match_nearly(exact: Additions, added: Sequence[Added], bundle: Bundle) -> Additions:
    """The same additions, matched almost exactly too."""
    encoded = added[:MOST_ENCODED]
    if not encoded:
        return exact
    return replace(
        exact,
        vectors=bundle.encoder.encode([row.normalised for row in encoded]),
        intents=tuple(row.having for row in encoded),
        ids=tuple(f"phrasing:{row.id}" for row in encoded),
    )


def _settled(session: Session, said: dict[str, str]) -> set[str]:
    """Of the keys of texts those of which a label that counts says what the bundle says: that it is this intent's."""
    labels = select(Label.text_key, Label.kind, Intent.slug, Intent.status).outerjoin(Intent)
    labels = labels.where(Label.undone_at.is_(None), Label.kind.in_(SAID))
    found = set()
    for some in _parts(sorted(said)):
        for key, kind, slug, status in session.execute(labels.where(Label.text_key.in_(some))):
            meaning = OUT_OF_SCOPE if kind == "out_of_scope" else slug if status == "published" else None
            if meaning == said[key]:
                found.add(key)
    return found


def _having(session: Session, keys: Sequence[str], left_out: set[str]) -> dict[str, tuple[str, ...]]:
    """Text key -> the published entries that have the text, sorted."""
    phrasings = select(Phrasing.id, Phrasing.text_key, Intent.slug).join(Intent).where(Intent.status == "published")
    found: dict[str, set[str]] = {}
    for some in _parts(keys):
        for id_, key, slug in session.execute(phrasings.where(Phrasing.text_key.in_(some))):
            if f"phrasing:{id_}" not in left_out:
                found.setdefault(key, set()).add(slug)
    return {key: tuple(sorted(slugs)) for key, slugs in found.items()}


def _parts(values: Sequence[Value]) -> Iterator[Sequence[Value]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]
