"""Estimates for all traffic from the audit sample. Pure arithmetic on rows with known inclusion probabilities.

A row drawn with probability p stands for 1/p messages (Horvitz and Thompson 1952); shares are ratios of such sums
(Hajek 1971). Labelled rows stand for the unlabelled rows of their own cell only (weighting classes, Oh and Scheuren
1983), because texts of the ordinary queue are labelled sooner and are wrong more often, while exact matches of a label
are labelled already and right. Labels are given per text, so while some are missing the labelled texts are a second
sample, of clusters (two phases, Saerndal, Swensson and Wretman 1992). Intervals are exact binomial ones (Clopper and
Pearson 1934) on the effective number of rows (Korn and Graubard 1998). That is the number of rows when all inclusion
probabilities are equal and every row is labelled.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from helpdesk.decisions import DecisionKind
from helpdesk.stats.beta import beta_quantile
from helpdesk.stats.intervals import CONFIDENCE_LEVEL
from helpdesk.text import OUT_OF_SCOPE

MOST_UNKNOWN = 0.1
_MOST_ROWS = 1_000_000


@dataclass(frozen=True)
class Audited:
    """One message of the audit sample.

    kind, intents, confidence, reason: what was decided (two intents when two questions were answered); best: the
    intent ranked first; queued: whether the ordinary queue shows it too; meaning: the intent it was labelled with,
    OUT_OF_SCOPE for out of scope, None without a label; published: whether a published FAQ entry has that intent;
    text: rows with equal texts are labelled together, None when no other row has this text.
    """

    inclusion_probability: float
    kind: str
    intents: tuple[str, ...]
    confidence: float
    reason: str
    best: str | None
    queued: bool
    meaning: str | None
    published: bool = True
    text: str | None = None

    @property
    def weight(self) -> float:
        """How many messages it stands for."""
        return 1 / self.inclusion_probability


@dataclass(frozen=True)
class _Known:
    """A row that counts, with its weight; labelled: of the texts it stands for, the share that staff labelled."""

    weight: float
    hit: bool
    text: str | None = None
    labelled: float = 1.0


@dataclass(frozen=True)
class Share:
    """A share of all traffic: the estimate (None while it cannot be made), and its interval.

    rows: how many drawn messages it is about; labelled: how many of them are labelled; worst and best: where the
    interval would end if every unlabelled one were wrong, or right.
    """

    share: float | None
    low: float
    high: float
    rows: int
    labelled: int
    best: float
    worst: float

    @property
    def unlabelled(self) -> float:
        """Share of the drawn messages that nobody has labelled, 0 when none was drawn."""
        return 1 - self.labelled / self.rows if self.rows else 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return vars(self) | {"unlabelled": self.unlabelled}


@dataclass(frozen=True)
class ContractCheck:
    """Whether live traffic keeps the error-rate contract: `kept`, `broken`, or `open` while there are too few labels.

    needed: about how many more right answers in the audit sample would show that it is kept, None when none would.
    """

    state: str
    max_wrong_rate: float
    assurance: float
    bound: float
    needed: int | None


def wrong_answers(sample: Sequence[Audited], *, level: float = CONFIDENCE_LEVEL) -> Share:
    """Share of direct answers that are wrong; an answered out-of-scope message is wrong too."""
    answers = [row for row in sample if row.kind == DecisionKind.ANSWER]
    return _share(answers, lambda row: row.meaning not in row.intents, level=level)


def out_of_scope(sample: Sequence[Audited], *, level: float = CONFIDENCE_LEVEL) -> Share:
    """Share of messages that no published FAQ entry answers."""
    return _share(sample, lambda row: row.meaning == OUT_OF_SCOPE or not row.published, level=level)


def contract(sample: Sequence[Audited], *, max_wrong_rate: float, assurance: float) -> ContractCheck:
    """The contract checked on live traffic: one-sided bounds of the wrong-answer rate, at the contract's assurance."""
    share = wrong_answers(sample, level=2 * assurance - 1)
    state = "open"
    if share.share is not None:
        state = "kept" if share.high <= max_wrong_rate else "broken" if share.low > max_wrong_rate else "open"
    needed = _needed(share, max_wrong_rate, assurance) if state == "open" else None
    return ContractCheck(state, max_wrong_rate, assurance, share.high, needed)


def interval(hits: float, rows: float, *, level: float = CONFIDENCE_LEVEL) -> tuple[float, float]:
    """Two-sided Clopper-Pearson interval of `hits` in `rows`; both may be fractions; (0, 1) for no rows."""
    tail = (1 - level) / 2
    low = beta_quantile(hits, rows - hits + 1, tail) if hits > 0 else 0.0
    high = beta_quantile(hits + 1, rows - hits, 1 - tail) if hits < rows else 1.0
    return low, high


def _share(rows: Sequence[Audited], hit: Callable[[Audited], bool], *, level: float) -> Share:
    """Cells without any label widen the interval on both sides; when they are large there is no estimate."""
    known, unknown = _weigh(rows, hit)
    total = sum(row.weight for row in known) + sum(unknown)
    share = _weighted(known, level=level)[0] if known and sum(unknown) <= MOST_UNKNOWN * total else None
    hits = [_Known(row.weight, row.meaning is not None and hit(row)) for row in rows]
    missing = [_Known(row.weight, row.meaning is None or hit(row)) for row in rows]
    return Share(
        share,
        low=_weighted([*known, *(_Known(weight, hit=False) for weight in unknown)], level=level)[1],
        high=_weighted([*known, *(_Known(weight, hit=True) for weight in unknown)], level=level)[2],
        rows=len(rows),
        labelled=sum(row.meaning is not None for row in rows),
        best=_weighted(hits, level=level)[1],
        worst=_weighted(missing, level=level)[2],
    )


def _weigh(rows: Sequence[Audited], hit: Callable[[Audited], bool]) -> tuple[list[_Known], list[float]]:
    """Labelled rows, those of a cell standing for all of it; and the weights of the rows of cells without any."""
    cells: dict[tuple[str, str, bool], list[Audited]] = {}
    for row in rows:
        cells.setdefault((row.kind, row.reason, row.queued), []).append(row)
    known: list[_Known] = []
    unknown: list[float] = []
    for cell in cells.values():
        labelled = [row for row in cell if row.meaning is not None]
        if not labelled:
            unknown += [row.weight for row in cell]
            continue
        factor = sum(row.weight for row in cell) / sum(row.weight for row in labelled)
        share = _texts(labelled) / _texts(cell)
        known += [_Known(factor * row.weight, hit(row), row.text, share) for row in labelled]
    return known, unknown


def _texts(rows: Sequence[Audited]) -> int:
    """How many different ones."""
    return len({row.text for row in rows if row.text is not None}) + sum(row.text is None for row in rows)


def _weighted(rows: Sequence[_Known], *, level: float) -> tuple[float, float, float]:
    """(share, low, high) of weighted hits. The effective number of rows is the smaller one of two.

    Kish's (1965) uses the weights alone, the design effect also how they go with the hits.
    """
    total = sum(row.weight for row in rows)
    if not total:
        return 0.0, 0.0, 1.0
    share = min(1.0, sum(row.weight for row in rows if row.hit) / total)
    effective = total**2 / _spread(rows, [row.weight for row in rows])
    variance = _spread(rows, [row.weight * (row.hit - share) for row in rows]) / total**2
    if variance > 0:
        effective = min(effective, share * (1 - share) / variance)
    return share, *interval(share * effective, effective, level=level)


def _spread(rows: Sequence[_Known], values: Sequence[float]) -> float:
    """Sum of squares, by row as far as all texts are labelled, by text as far as the labelled ones stand for others."""
    clusters: dict[str | int, float] = {}
    for number, (row, value) in enumerate(zip(rows, values, strict=True)):
        if row.labelled < 1:
            key = number if row.text is None else row.text
            clusters[key] = clusters.get(key, 0.0) + sqrt(1 - row.labelled) * value
    by_row = sum(row.labelled * value**2 for row, value in zip(rows, values, strict=True))
    return by_row + sum(value**2 for value in clusters.values())


def _needed(share: Share, max_wrong_rate: float, assurance: float) -> int | None:
    """How many more right answers would bring the upper bound down to the rate; found by bisection."""
    hits = (share.share or 0.0) * share.labelled

    def enough(more: int) -> bool:
        return interval(hits, share.labelled + more, level=2 * assurance - 1)[1] <= max_wrong_rate

    low, high = 0, 1
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_ROWS:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
