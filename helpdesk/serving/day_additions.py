"""What editors added and took away since a bundle was built, and who else has those texts."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.matching.bundle import Bundle
from helpdesk.matching.index import Vectors
from helpdesk.matching.known_texts import Additions
from helpdesk.records.exclusions import excluded_rows
from helpdesk.records.labels import SAID
from helpdesk.records.tables import Intent, Label, Phrasing
from helpdesk.text import OUT_OF_SCOPE

MOST_NEARLY = 50_000  # later ones match exactly only
_AT_ONCE = 500
Value = TypeVar("Value", int, str)


@dataclass(frozen=True)
class Added:
    """A published phrasing that the bundle was built without; having: every published entry that has its text."""

    id: int
    normalised: str
    text_key: str
    having: tuple[str, ...]


@dataclass(frozen=True)
class Changes:
    """What is otherwise in the FAQ than in the bundle: phrasings that it was built without, ids of its rows that are
    gone, and the text keys of those with the published entries that have such a text still."""

    added: Sequence[Added]
    removed: frozenset[str]
    left: Mapping[str, tuple[str, ...]]


def read_changes(session: Session, bundle: Bundle) -> Changes:
    """The published phrasings that the bundle was built without, though nobody excluded them, oldest first, and those
    of the bundle that their entry has no more.

    What was added may be older than the bundle: its entry was a draft when it was built. What the bundle says of a text
    stays while a label that counts says the same.
    """
    now = _phrasings(session)
    built = {
        (row, key, bundle.intents[intent])
        for row, key, intent in zip(bundle.phrasing_ids, bundle.phrasing_keys, bundle.intent_of_row, strict=True)
        if row.startswith("phrasing:")
    }
    present = {(key, slug) for _, key, slug, _ in now}
    gone = {(row, key) for row, key, slug in built if (key, slug) not in present}
    unknown = [id_ for id_, key, slug, is_open in now if is_open and (f"phrasing:{id_}", key, slug) not in built]
    left_out = excluded_rows(session) if unknown or gone else set()
    added = _read(session, [id_ for id_ in unknown if f"phrasing:{id_}" not in left_out])
    keys = {key for _, _, key in added} | {key for _, key in gone}
    settled = _settled(session, {key: bundle.exact[key] for key in keys & bundle.exact.keys()})
    having = _having(session, sorted(keys - settled), left_out)
    return Changes(
        [Added(id_, text, key, having[key]) for id_, text, key in sorted(added) if key not in settled],
        frozenset(row for row, _ in gone),
        {key: having.get(key, ()) for _, key in gone if key not in settled},
    )


def match_exactly(changes: Changes) -> Additions:
    """Additions that are matched by their very text; what was taken away is not."""
    added = {row.text_key: row.having for row in changes.added}
    return Additions(exact={**changes.left, **added}, removed=changes.removed)


def encodable(added: Sequence[Added], bundle: Bundle) -> list[Added]:
    """Those that can be matched almost exactly: not those that are longer than the encoder reads."""
    return [row for row in added if not bundle.encoder.is_cut(row.normalised)][:MOST_NEARLY]


def match_nearly(exact: Additions, added: Sequence[Added], vectors: Mapping[str, Vectors]) -> Additions:
    """The same additions, matched almost exactly too as far as their vectors [dim] are known; by text key."""
    encoded = [row for row in added if row.text_key in vectors]
    if not encoded:
        return exact
    return replace(
        exact,
        vectors=np.array([vectors[row.text_key] for row in encoded], dtype=np.float32),
        intents=tuple(row.having for row in encoded),
        ids=tuple(f"phrasing:{row.id}" for row in encoded),
    )


def _phrasings(session: Session) -> list[tuple[int, str, str, bool]]:
    """(id, text key, slug, whether the entry is published) of every phrasing, oldest first."""
    query = select(Phrasing.id, Phrasing.text_key, Intent.slug, Intent.status == "published").join(Intent)
    return list(session.execute(query.order_by(Phrasing.id)).tuples())


def _read(session: Session, ids: Sequence[int]) -> list[tuple[int, str, str]]:
    """(id, normalised text, text key) of phrasings."""
    columns = select(Phrasing.id, Phrasing.normalised, Phrasing.text_key)
    return [row for some in _parts(ids) for row in session.execute(columns.where(Phrasing.id.in_(some))).tuples()]


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
