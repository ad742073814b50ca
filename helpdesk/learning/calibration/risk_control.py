"""The error-rate contract: the operator sets a target error rate and an assurance; thresholds are computed from them.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021, arXiv 2110.01052): thresholds are tried from
strict to loose. An exact test asks for each whether the share of wrong direct answers is at most the target. The search
ends at the first threshold for which this cannot be shown. Since the order is fixed beforehand, no further correction
is needed. The guarantee is for traffic like the rows it was fitted on, with out-of-scope messages at the given share.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.out_of_scope_evidence import MIN_LABELS, OutOfScopeEvidence
from helpdesk.learning.calibration.scorer_results import OutOfFold
from helpdesk.matching.decide import Thresholds
from helpdesk.matching.probabilities import Floats

NEVER = 2.0
LEAST_MASS = 0.5
MAX_ROWS_NEEDED = 100_000
_STEPS = 60
_NUISANCE = 24
_ALMOST_ONE = 1 - 1e-9


@dataclass(frozen=True)
class Contract:
    """What the operator sets: target error rate, assurance, and how often a question must offer the right intent."""

    max_wrong_rate: float
    assurance: float
    clarify_level: float = 0.8


@dataclass(frozen=True)
class FittedThresholds:
    """Thresholds, and on the rows they were fitted on: coverage, share of wrong answers, its upper bound.

    wrong_rate and bound count answered out-of-scope messages at their share. rows_needed: about how many more labelled
    messages like these would allow a first direct answer; 0 when there is one, None when more would not help.
    coverage_in_reach: the coverage that unlimited evidence of the same kind would allow. held: share of the clarifying
    questions that offer the true intent.
    """

    thresholds: Thresholds
    coverage: float
    wrong_rate: float
    bound: float
    answered: int
    rows_needed: int | None
    coverage_in_reach: float
    asked: float
    held: float
    out_of_scope_share: float
    out_of_scope_rows: int
    out_of_scope_source: str

    def report(self) -> dict[str, Any]:
        """For the manifest and the night's report."""
        return {**vars(self), "thresholds": vars(self.thresholds)}


def fit_thresholds(found: OutOfFold, contract: Contract, *, out_of_scope: OutOfScopeEvidence) -> FittedThresholds:
    """The loosest answer threshold shown to keep the contract, and the level a clarifying question must reach."""
    steps = _steps(found, contract, out_of_scope)
    answer, counts = _walk(steps, contract)
    question = fit_clarify(found, answer, level=contract.clarify_level)
    return FittedThresholds(
        Thresholds(answer, question.level),
        coverage=counts.answered / max(1, counts.rows),
        wrong_rate=counts.wrong_rate,
        bound=upper_bound(counts, contract.assurance),
        answered=counts.answered,
        rows_needed=0 if counts.answered else _rows_needed([step for _, step in steps], contract),
        coverage_in_reach=_in_reach(steps, contract),
        asked=question.asked,
        held=question.held,
        out_of_scope_share=out_of_scope.share,
        out_of_scope_rows=len(out_of_scope.confidence),
        out_of_scope_source=out_of_scope.source,
    )


@dataclass(frozen=True)
class Counts:
    """What a threshold does: of `rows` in-scope rows, how many are answered, and how many of those wrongly.

    Of `out_of_scope` out-of-scope messages `leaked` are answered; `odds` is the number of out-of-scope messages for
    each in-scope message."""

    rows: int
    answered: int
    wrong: int
    out_of_scope: int = 0
    leaked: int = 0
    odds: float = 0.0

    @property
    def weight(self) -> float:
        """In-scope rows that one out-of-scope message stands beside."""
        return self.odds * self.rows / self.out_of_scope if self.out_of_scope else 0.0

    @property
    def wrong_rate(self) -> float:
        """Share of direct answers that are wrong, out-of-scope messages at their share of traffic."""
        leaked = self.weight * self.leaked
        return (self.wrong + leaked) / (self.answered + leaked) if self.answered + leaked else 0.0

    def times(self, factor: float) -> "Counts":
        """The same shares on more in-scope rows."""
        rows, answered, wrong = (round(factor * n) for n in (self.rows, self.answered, self.wrong))
        return replace(self, rows=rows, answered=answered, wrong=wrong)


def p_value(counts: Counts, rate: float) -> float:
    """p-value: the largest probability of so few wrong answers, if more than `rate` of direct answers were wrong.

    Without out-of-scope evidence this is the test that Clopper and Pearson (1934) invert. With it the two kinds of
    mistakes are independent binomials. How the allowed mistakes are divided between them is a nuisance parameter
    (Berger and Boos 1994), and the result is the maximum over it. The share of in-scope rows answered is taken as
    observed.
    """
    from scipy.stats import binom

    if not counts.answered:
        return 1.0
    if not counts.weight:
        return float(binom.cdf(counts.wrong, counts.answered, rate))
    cost = counts.odds * (1 - rate) * counts.rows / counts.answered
    leak = np.linspace(0.0, min(1.0, rate / cost), num=_NUISANCE)[:, None]
    mistakes = counts.wrong + counts.weight * counts.leaked
    leaked = np.arange(min(counts.out_of_scope, int(mistakes / counts.weight + 1e-9)) + 1)[None, :]
    left = np.floor(mistakes - counts.weight * leaked + 1e-9)
    both = binom.pmf(leaked, counts.out_of_scope, leak) * binom.cdf(
        left, counts.answered, np.maximum(0.0, rate - cost * leak)
    )
    return float(both.sum(axis=1).max())


def upper_bound(counts: Counts, assurance: float) -> float:
    """The smallest rate that can be shown with this assurance, Clopper and Pearson's bound; 1 without evidence."""
    from scipy.optimize import brentq

    if not counts.answered or p_value(counts, _ALMOST_ONE) > 1 - assurance:
        return 1.0
    return float(brentq(lambda rate: p_value(counts, rate) - (1 - assurance), 1e-9, _ALMOST_ONE, xtol=1e-5))


Steps = Sequence[tuple[float, Counts]]


def _steps(found: OutOfFold, contract: Contract, out_of_scope: OutOfScopeEvidence) -> Steps:
    """The thresholds to try, from strict to loose, with what each does.

    A threshold is tried wherever one more wrong answer becomes allowed, because just before that the test has the least
    power. The first one is where, by the confidences alone, the test is most likely to pass. Both are chosen without
    looking at outcomes, as the guarantee requires: how many out-of-scope messages would be answered is told from the
    assumed ones, which are no outcomes of traffic.
    """
    from scipy.stats import binom, poisson

    ordered = np.sort(found.confidence)[::-1]
    if not len(ordered):
        return []
    allowed = binom.ppf(1 - contract.assurance, np.arange(1, len(ordered) + 1), contract.max_wrong_rate) - 1
    sizes = np.flatnonzero(np.diff(allowed, prepend=-1) > 0) + 1
    if not len(sizes):
        sizes = np.array([len(ordered)])
    sizes = sizes[np.unique(np.linspace(0, len(sizes) - 1, num=_STEPS, dtype=np.int64))]
    expected = np.cumsum(1.0 - ordered)[sizes - 1]
    if len(out_of_scope.expected):
        likeliest = _likeliest(ordered, sizes, expected, contract, out_of_scope)
    else:
        likeliest = int(np.argmax(poisson.cdf(allowed[sizes - 1], expected)))
    thresholds = np.unique(ordered[sizes[likeliest:] - 1])[::-1]
    return [(float(threshold), _count(found, out_of_scope, float(threshold))) for threshold in thresholds]


def _likeliest(
    ordered: Floats, sizes: NDArray[np.int64], wrong: Floats, contract: Contract, out_of_scope: OutOfScopeEvidence
) -> int:
    """Which of these many answered rows would give the smallest p-value if everything were as expected."""
    messages = len(out_of_scope.confidence)
    found = []
    for size, mistakes in zip(sizes.tolist(), wrong.tolist(), strict=True):
        leaked = messages * float(np.mean(out_of_scope.expected >= ordered[size - 1]))
        counts = Counts(len(ordered), size, round(mistakes), messages, round(leaked), out_of_scope.odds)
        found.append(p_value(counts, contract.max_wrong_rate))
    return int(np.argmin(found))


def _count(found: OutOfFold, out_of_scope: OutOfScopeEvidence, threshold: float) -> Counts:
    answered = found.confidence >= threshold
    return Counts(
        rows=len(answered),
        answered=int(answered.sum()),
        wrong=int(np.count_nonzero(answered & ~found.right)),
        out_of_scope=len(out_of_scope.confidence),
        leaked=int(np.count_nonzero(out_of_scope.confidence >= threshold)),
        odds=out_of_scope.odds,
    )


def _walk(steps: Steps, contract: Contract) -> tuple[float, Counts]:
    """The last threshold before the first for which the contract cannot be shown."""
    best = (NEVER, Counts(steps[0][1].rows if steps else 0, 0, 0))
    for step in steps:
        if p_value(step[1], contract.max_wrong_rate) > 1 - contract.assurance:
            break
        best = step
    return best


def _rows_needed(steps: Sequence[Counts], contract: Contract) -> int | None:
    """How many more in-scope rows, with the same results, would show the contract at one of the thresholds."""
    steps = [step for step in steps if step.wrong_rate < contract.max_wrong_rate]
    if not steps:
        return None

    def shown(rows: int) -> bool:
        grown = (step.times(rows / step.rows) for step in steps)
        return any(p_value(step, contract.max_wrong_rate) <= 1 - contract.assurance for step in grown)

    have = steps[0].rows
    low, high = have, 2 * have
    while not shown(high):
        low, high = high, 2 * high
        if high > MAX_ROWS_NEEDED:
            return None
    while high - low > max(1, have // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if shown(middle) else (middle, high)
    return high - have


def _in_reach(steps: Steps, contract: Contract) -> float:
    kept = [counts.answered / counts.rows for _, counts in steps if counts.wrong_rate <= contract.max_wrong_rate]
    return max(kept, default=0.0)


@dataclass(frozen=True)
class ClarifyFit:
    """The summed confidence that a clarifying question must reach. asked: of the rows not answered, the share that gets
    a question; held: the share of those whose choices include the true intent."""

    level: float
    asked: float
    held: float


def fit_clarify(found: OutOfFold, answer: float, *, level: float) -> ClarifyFit:
    """The lowest summed confidence at which the choices include the true intent as often as `level`.

    Conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) on the in-scope rows that are not answered: the
    one added to the misses is its correction for a finite sample. Never below one half: a question whose choices
    probably miss the true intent is worse than none. With too few rows, the confidences are trusted as they are.
    """
    rest = found.confidence < answer
    sums, true = np.cumsum(found.ranked[rest], axis=1)[:, 1:], found.ranked_true[rest]
    if len(sums) < MIN_LABELS:
        return ClarifyFit(level, *_asked(sums, true, level))
    for tried in np.linspace(LEAST_MASS, 1.0, num=101):
        asked, held = _asked(sums, true, float(tried))
        count = asked * len(sums)
        if count and (count * (1 - held) + 1) / (count + 1) <= 1 - level:
            return ClarifyFit(float(tried), asked, held)
    return ClarifyFit(NEVER, 0.0, 0.0)


def _asked(sums: Floats, true: NDArray[np.bool_], level: float) -> tuple[float, float]:
    """Share of rows for which some set reaches the level, and the share of those whose smallest such set is right."""
    reached = sums >= level
    asked = reached.any(axis=1)
    if not asked.any():
        return 0.0, 0.0
    offered = np.arange(true.shape[1])[None, :] <= reached.argmax(axis=1)[:, None] + 1
    return float(asked.mean()), float((true & offered).any(axis=1)[asked].mean())
