"""Rows fall into parts to be measured on in turn: near-duplicates together, each text always in its part."""

from collections.abc import Mapping, Sequence

from helpdesk.learning.data.dataset import Row, Snapshot
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


def row_groups(snapshot: Snapshot) -> list[int]:
    """Near-duplicate groups of the training rows."""
    return groups_by_intent(snapshot.texts, [row.intent for row in snapshot.train])


def split(snapshot: Snapshot, *, parts: int, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Text key -> part, near-duplicates together, every intent spread evenly; `known` texts stay where they are."""
    return stable_parts(snapshot.train, row_groups(snapshot), parts=parts, known=known)


def stable_parts(
    rows: Sequence[Row], groups: Sequence[int], *, parts: int, known: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Text key -> one of `parts` parts: groups stay together, intents are spread evenly, the same every time.

    Texts in `known` keep their part for good, whatever is said of them later and even while no row has them, and their
    group's other texts join them there.
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
