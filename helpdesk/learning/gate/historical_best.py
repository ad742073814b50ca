"""The best version of the last 30 nights, so that many small losses, none of them significant, cannot add up.

Taking the best of several on some rows and testing against it on the same rows would make chance look like merit, and
equal candidates would be refused too often. So the rows are cut in two by a stable hash: on each half stands the
version that did best on the other half. Every row is used, none twice, and the exact test stays exact.

Bundles that are gone cannot be asked. The ones asked are what is on disk anyway (the version in service, the three
before it) and the two that were best so far, which pruning spares: whoever was best is carried on until its 30 nights
are over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from helpdesk.learning.gate.paired_tests import Outcomes
from helpdesk.text import text_key

NIGHTS_COMPARED = 30


@dataclass(frozen=True)
class HistoricalBest:
    """outcomes: each row by the version that was best on the other half; versions: which those are, best first."""

    outcomes: Outcomes
    versions: tuple[int, ...]


def choose_historical_best(incumbent: Outcomes, others: Mapping[int, Outcomes], *, incumbent_id: int) -> HistoricalBest:
    """The best of the incumbent and of other versions, by net gain over the incumbent on the rows both have.

    A tie is the incumbent's.
    """
    halves = (_is_first, _is_second)
    versions = {incumbent_id: incumbent, **others}
    best = []
    for half in halves:
        nets = {version: _net(outcomes, incumbent, half) for version, outcomes in versions.items()}
        best.append(max(nets, key=nets.__getitem__))
    outcomes = {
        row: outcome
        for half, chosen in zip(halves, reversed(best), strict=True)
        for row, outcome in versions[chosen].items()
        if half(row)
    }
    return HistoricalBest(outcomes, tuple(dict.fromkeys(best)))


def _net(version: Outcomes, incumbent: Outcomes, half: Callable[[str], bool]) -> int:
    return sum(version[row].right - incumbent[row].right for row in incumbent if row in version and half(row))


def _is_first(row: str) -> bool:
    return int(text_key(row)[0], 16) < 8


def _is_second(row: str) -> bool:
    return not _is_first(row)
