"""What an edit would change: the messages of the last 30 days decided again, as people would get them.

Nothing is trained for it, so it says what changes at once; what a night learns comes on top.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from helpdesk.matching.bundle import encoder_hash
from helpdesk.matching.decide import Decision
from helpdesk.matching.encoder import Encoder, VectorCache
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import NEIGHBOURS
from helpdesk.records import golden
from helpdesk.records.clock import now
from helpdesk.records.conversations import recent_texts
from helpdesk.records.database import Database
from helpdesk.records.golden import GoldenPhrase
from helpdesk.serving.live import Live
from helpdesk.serving.promises import is_kept
from helpdesk.text import normalise, text_key
from helpdesk.threads import SYNTAX_TREES

DAYS = 30
MOST_LOOKED_AT = 1000
MOST_STRANGE = 100  # texts that neither the last night nor this process has met: an encoding takes some milliseconds
_REPLAY = "replay"  # where a night keeps the vectors of recent messages
_ROOM = 50_000
_ROUNDING = 1e-5  # of cosines that were computed in another batch
_KEPT = timedelta(hours=1)


@dataclass(frozen=True)
class AskedLately:
    """One distinct text, as it was typed last, and how often it came."""

    message_id: int
    text: str
    count: int


@dataclass(frozen=True)
class Changed:
    """A text that would be decided otherwise."""

    asked: AskedLately
    before: Decision
    after: Decision


@dataclass(frozen=True)
class Outlook:
    """What an edit would change. texts, messages: how many were looked at; changed: most asked first; broken: golden
    phrases that are kept now and would not be."""

    texts: int
    messages: int
    changed: tuple[Changed, ...]
    broken: tuple[GoldenPhrase, ...]

    @property
    def messages_changed(self) -> int:
        """How many of the messages would be decided otherwise."""
        return sum(change.asked.count for change in self.changed)


class _NotingCache(VectorCache):
    """A cache that notes for which texts vectors were asked."""

    noted: set[str]

    def encode_one(self, text: str) -> Vectors:
        """Unit vector [dim] of one normalised text."""
        self.noted.add(text)
        return super().encode_one(text)


class _NotingTable(dict[str, str]):
    """An exact table that notes which text keys were looked up."""

    noted: set[str]

    def get(self, key: str, default: Any = None) -> Any:
        """What is known of a key."""
        self.noted.add(key)
        return super().get(key, default)


@dataclass(frozen=True)
class _Traffic:
    """Recent texts, what serves says to each, and what that rests on: rows of `vectors`, and keys that were looked up.

    reach [rows]: how near a new row must be to a vector to be among its neighbours. kept: of each golden phrase.
    """

    live: Live
    asked: tuple[AskedLately, ...]
    promises: tuple[GoldenPhrase, ...]
    before: tuple[Decision, ...]
    kept: tuple[bool, ...]
    rows: tuple[NDArray[np.int64], ...]
    keys: tuple[frozenset[str], ...]
    vectors: Vectors
    reach: NDArray[np.float32]
    cache: VectorCache


class WhatIf:
    """Answers what edits would change, for one process.

    What serves says now is kept for an hour, and the vectors of messages as long as the encoder.
    """

    def __init__(self, database: Database, home: Path) -> None:
        self._database = database
        self._home = home
        self._lock = threading.Lock()
        self._traffic: _Traffic | None = None
        self._read_at = now() - _KEPT

    def outlook(self, live: Live, edited: Live) -> Outlook:
        """What changes between what serves and what would."""
        traffic = self._of(live)
        return _compare(traffic, edited, range(len(traffic.asked)))

    def outlook_of_label(self, live: Live, edited: Live, text: str) -> Outlook:
        """The same for one more label: only texts that it is near enough to are decided again, the others cannot
        change."""
        traffic = self._of(live)
        key = text_key(normalise(text))
        near = np.zeros(len(traffic.reach), dtype=bool)
        if len(edited.matcher.bundle.vectors) > len(live.matcher.bundle.vectors):
            near = traffic.vectors @ edited.matcher.bundle.vectors[-1] >= traffic.reach
        looked_up = zip(traffic.rows, traffic.keys, strict=True)
        touched = [i for i, (rows, keys) in enumerate(looked_up) if key in keys or near[rows].any()]
        return _compare(traffic, edited, touched)

    def _of(self, live: Live) -> _Traffic:
        with self._lock:
            known, fresh = self._traffic, now() - self._read_at < _KEPT
            same = known is not None and (known.live.promotion_id, known.live.faq_revision) == (
                live.promotion_id,
                live.faq_revision,
            )
            if known is None or not same or not fresh:
                known = self._traffic = self._read(live, known)
                self._read_at = now()
            return known

    def _read(self, live: Live, last: _Traffic | None) -> _Traffic:
        with self._database.read() as session:
            recent = recent_texts(session, since=now() - timedelta(days=DAYS), limit=MOST_LOOKED_AT)
            promises = golden.read(session)
        bundle = live.matcher.bundle
        stored = _stored_vectors(self._home / _REPLAY / f"{encoder_hash(bundle.manifest)}.npz", bundle.encoder.dim)
        cache = _NotingCache(bundle.encoder, size=_ROOM, stored=stored)
        cache.put(live.matcher.known_vectors())
        if last is not None and last.live.matcher.bundle.encoder is bundle.encoder:
            cache.put(last.cache.known())
        cache.noted = set()
        table = _NotingTable(bundle.exact)
        noting = replace(live, matcher=live.matcher.over(bundle.edited(exact=table), cache=cache))
        asked = _affordable([AskedLately(*row) for row in recent], {*stored, *map(text_key, cache.known())})
        before, used, keys = [], [], []
        for one in asked:
            cache.noted, table.noted = set(), set()
            before.append(noting.match(one.text))
            used.append(cache.noted)
            keys.append(frozenset(table.noted))
        position = {text: row for row, text in enumerate(sorted(set().union(*used)))}
        vectors = np.array([cache.encode_one(text) for text in position], dtype=np.float32)
        return _Traffic(
            live=live,
            asked=asked,
            promises=tuple(promises),
            before=tuple(before),
            kept=tuple(is_kept(promise.intent, live.match(promise.text)) for promise in promises),
            rows=tuple(np.array([position[text] for text in texts], dtype=np.int64) for texts in used),
            keys=tuple(keys),
            vectors=vectors.reshape(len(position), bundle.encoder.dim),
            reach=np.array([_reach(live, vector) for vector in vectors], dtype=np.float32),
            cache=_plain(cache, bundle.encoder, stored),
        )


def _plain(cache: VectorCache, encoder: Encoder, stored: Mapping[str, Vectors]) -> VectorCache:
    """The same vectors in a cache that notes nothing: many requests share it."""
    shared = VectorCache(encoder, size=_ROOM, stored=stored)
    shared.put(cache.known())
    return shared


def _affordable(asked: Sequence[AskedLately], known: Collection[str]) -> tuple[AskedLately, ...]:
    """The texts whose vectors are known by their keys, and the most asked of the others."""
    strange = [one for one in asked if text_key(normalise(one.text)) not in known][MOST_STRANGE:]
    left_out = {one.message_id for one in strange}
    return tuple(one for one in asked if one.message_id not in left_out)


def _compare(traffic: _Traffic, edited: Live, texts: Sequence[int]) -> Outlook:
    after = replace(edited, matcher=edited.matcher.over(edited.matcher.bundle, cache=traffic.cache))
    found = [Changed(traffic.asked[i], traffic.before[i], after.match(traffic.asked[i].text)) for i in texts]
    changed = [change for change in found if _said(change.before) != _said(change.after)]
    broken = []
    for promise, kept in zip(traffic.promises, traffic.kept, strict=True):
        intent = promise.intent and edited.names.get(promise.intent, promise.intent)
        if kept and not is_kept(intent, after.match(promise.text)):
            broken.append(promise)
    return Outlook(
        texts=len(traffic.asked),
        messages=sum(asked.count for asked in traffic.asked),
        changed=tuple(sorted(changed, key=lambda change: -change.asked.count)),
        broken=tuple(broken),
    )


def _said(decision: Decision) -> tuple[object, ...]:
    """What a person notices of a decision."""
    return decision.kind, decision.intents, decision.options


def _reach(live: Live, vector: Vectors) -> float:
    """The similarity of the furthest neighbour that is looked at; everything is near while there are fewer."""
    found = live.matcher.bundle.index.search(vector, NEIGHBOURS).similarities
    return float(found[-1]) - _ROUNDING if len(found) == NEIGHBOURS else -2.0


def _stored_vectors(path: Path, dim: int) -> dict[str, Vectors]:
    """Text key -> vector, as the last night left them; none where they cannot be read."""
    try:
        with SYNTAX_TREES, np.load(path, allow_pickle=False) as stored:
            keys, vectors = stored["keys"], stored["vectors"].astype(np.float32)
    except (OSError, ValueError, KeyError, BadZipFile):
        return {}
    return dict(zip(keys.tolist(), vectors, strict=True)) if vectors.shape == (len(keys), dim) else {}
