"""Folds of the training rows: near-duplicates in the same fold, each text always in the same one."""

from collections.abc import Mapping, Sequence

from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.near_duplicates import near_groups
from helpdesk.text import text_key


def groups_by_intent(texts: Sequence[str], intents: Sequence[str]) -> list[int]:
    """Group numbers: near-duplicate texts of one intent share one, so that no split tears them apart."""
    groups = [0] * len(texts)
    members: dict[str, list[int]] = {}
    for position, intent in enumerate(intents):
        members.setdefault(intent, []).append(position)
    start = 0
    for positions in members.values():
        found = near_groups([texts[p] for p in positions])
        for position, group in zip(positions, found, strict=True):
            groups[position] = start + group
        start += max(found) + 1
    return groups


def row_groups(dataset: Dataset) -> list[int]:
    """Near-duplicate groups of the training rows."""
    return groups_by_intent(dataset.texts, [row.intent for row in dataset.train])


def split(dataset: Dataset, *, folds: int, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Text key -> fold: near-duplicates together, every intent spread evenly; `known` texts keep their fold."""
    return stable_folds(dataset.train, row_groups(dataset), folds=folds, known=known)


def stable_folds(
    rows: Sequence[Row], groups: Sequence[int], *, folds: int, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Text key -> one of `folds` folds: groups stay together, intents are spread evenly, the same every time.

    Texts in `known` keep their fold for good, whatever label they get later and even while no row has them; other texts
    of their group join them.
    """
    assigned = dict(known or {})
    by_intent: dict[str, dict[int, list[str]]] = {}
    for row, group in zip(rows, groups, strict=True):
        by_intent.setdefault(row.intent, {}).setdefault(group, []).append(text_key(row.text))
    for intent, members in by_intent.items():
        sizes = [0] * folds
        start = int(text_key(intent), 16) % folds
        for alike in sorted(members.values(), key=lambda keys: (keys[0] not in assigned, -len(keys), keys[0])):
            settled = [assigned[key] for key in alike if key in assigned]
            fold = settled[0] if settled else min(range(folds), key=lambda p: (sizes[p], (p - start) % folds))
            sizes[fold] += len(alike)
            for key in alike:
                assigned.setdefault(key, fold)
    return assigned
