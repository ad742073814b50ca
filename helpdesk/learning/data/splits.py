"""Folds of the training rows: near-duplicates in the same fold, each text always in the same one."""

from collections.abc import Mapping, Sequence

import numpy as np
from rapidfuzz import fuzz, process
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from helpdesk.learning.data.dataset import Row, Snapshot
from helpdesk.text import text_key

NEAR = 90.0


def near_groups(texts: Sequence[str], intents: Sequence[str]) -> list[int]:
    """Group numbers: lexically near-duplicate texts of one intent share one, so that they stay in the same fold."""
    groups = [0] * len(texts)
    members: dict[str, list[int]] = {}
    for position, intent in enumerate(intents):
        members.setdefault(intent, []).append(position)
    start = 0
    for positions in members.values():
        own = [texts[p] for p in positions]
        near = process.cdist(own, own, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR, dtype=np.uint8) > 0
        count, found = connected_components(csr_matrix(near.astype(np.int8)), directed=False)
        for position, group in zip(positions, found, strict=True):
            groups[position] = start + int(group)
        start += count
    return groups


def row_groups(snapshot: Snapshot) -> list[int]:
    """Near-duplicate groups of the training rows."""
    return near_groups(snapshot.texts, [row.intent for row in snapshot.train])


def split(snapshot: Snapshot, *, parts: int, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Text key -> fold: near-duplicates together, every intent spread evenly; `known` texts keep their fold."""
    return stable_parts(snapshot.train, row_groups(snapshot), parts=parts, known=known)


def stable_parts(
    rows: Sequence[Row], groups: Sequence[int], *, parts: int, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Text key -> one of `parts` folds: groups stay together, intents are spread evenly, the same every time.

    Texts in `known` keep their fold for good, whatever label they get later and even while no row has them; other texts
    of their group join them.
    """
    assigned = dict(known or {})
    by_intent: dict[str, dict[int, list[str]]] = {}
    for row, group in zip(rows, groups, strict=True):
        by_intent.setdefault(row.intent, {}).setdefault(group, []).append(text_key(row.text))
    for intent, members in by_intent.items():
        sizes = [0] * parts
        start = int(text_key(intent), 16) % parts
        for alike in sorted(members.values(), key=lambda keys: (keys[0] not in assigned, -len(keys), keys[0])):
            settled = [assigned[key] for key in alike if key in assigned]
            part = settled[0] if settled else min(range(parts), key=lambda p: (sizes[p], (p - start) % parts))
            sizes[part] += len(alike)
            for key in alike:
                assigned.setdefault(key, part)
    return assigned
