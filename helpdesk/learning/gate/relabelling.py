"""Texts whose meaning was changed since the version in service was built: does what was learnt agree with the change?

The other rules compare two versions on rows that mean the same to both, so rows that were moved to other intents by
mistake (a column slipped in an import, a script) speak for nobody. An encoder that never saw such a row says what it
takes it for. Pure.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binom

from helpdesk.learning.data.dataset import Snapshot
from helpdesk.learning.gate.verdict import Objection
from helpdesk.matching.bundle import Bundle
from helpdesk.text import text_key

LEVEL = 0.001  # most corrections are right, so by chance this is rarer still


@dataclass(frozen=True)
class Relabelled:
    """A row that means another intent than before, and what it is taken for by a scorer that never saw it."""

    row: str
    before: frozenset[str]
    now: str
    taken_for: str


def relabelled(incumbent: Bundle, snapshot: Snapshot, results: Mapping[str, Sequence[Any]]) -> list[Relabelled]:
    """The rows of tonight whose text was a phrasing of other intents only; `results` are a candidate's out of fold."""
    meant: dict[str, set[str]] = defaultdict(set)
    for key, intent in zip(incumbent.phrasing_keys, incumbent.intent_of_row.tolist(), strict=True):
        meant[key].add(incumbent.intents[intent])
    found = []
    for row in snapshot.train:
        before = meant.get(text_key(row.text), set())
        if before and row.intent not in before and row.id in results:
            found.append(Relabelled(row.id, frozenset(before), row.intent, results[row.id][1]))
    return found


def contradicted_changes(changes: Sequence[Relabelled]) -> list[Objection]:
    """An objection when significantly more of the changed rows are taken for what they were than for what they are."""
    old = [change for change in changes if change.taken_for in change.before]
    new = sum(change.taken_for == change.now for change in changes)
    if not old or float(binom.sf(len(old) - 1, len(old) + new, 0.5)) > LEVEL:
        return []
    reason = (
        f"of {len(changes)} texts that mean another intent than before, {len(old)} are taken for the old one by what "
        f"never learnt them, {new} for the new one"
    )
    return [Objection("relabelled", reason, tuple(change.row for change in old))]
