"""Texts whose meaning was changed since the version in service was built: does what was learnt agree with the change?

The other rules compare two versions on rows that mean the same to both, so rows that were moved to other intents by
mistake (a column slipped in an import, a script) speak for nobody. An encoder that never saw such a row says what it
takes it for. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.learning.data.dataset import Dataset
from helpdesk.matching.bundle import Bundle
from helpdesk.text import text_key


@dataclass(frozen=True)
class Relabelled:
    """A row that means another intent than before, and what it is taken for by a scorer that never saw it."""

    row: str
    before: frozenset[str]
    now: str
    taken_for: str


def relabelled(incumbent: Bundle, dataset: Dataset, results: Mapping[str, Sequence[Any]]) -> list[Relabelled]:
    """The rows of tonight whose text was a phrasing of other intents only; `results` are a candidate's out of fold."""
    meant: dict[str, set[str]] = defaultdict(set)
    for key, intent in zip(incumbent.phrasing_keys, incumbent.intent_of_row.tolist(), strict=True):
        meant[key].add(incumbent.intents[intent])
    found = []
    for row in dataset.train:
        before = meant.get(text_key(row.text), set())
        if before and row.intent not in before and row.id in results:
            found.append(Relabelled(row.id, frozenset(before), row.intent, results[row.id][1]))
    return found
