"""The error-rate contract: the operator names a rate and an assurance, the thresholds follow from evidence.

Fixed-sequence testing (Learn then Test, Angelopoulos et al. 2021, arXiv 2110.01052): thresholds are tried from safe to
loose, each by an exact binomial test (Clopper and Pearson 1934) that the share of wrong direct answers is at most the
allowed one; the walk ends at the first that cannot be shown. Walking in a fixed order needs no further correction.
The guarantee is for traffic like the rows it was fitted on.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta

from helpdesk.learning.scoring import OutOfFold
from helpdesk.matching.decide import Thresholds

NEVER = 2.0
CLARIFY_LEVEL = 0.80
LEAST_MASS = 0.5
_STEPS = 40


@dataclass(frozen=True)
class FittedThresholds:
    """Thresholds, and on the rows they were fitted on: coverage, share of wrong answers, its upper bound.

    rows_needed: how many more answered rows without a mistake would allow a first direct answer, 0 when there is one.
    """

    thresholds: Thresholds
    coverage: float
    wrong_rate: float
    bound: float
    answered: int
    rows_needed: int

    def report(self) -> dict[str, Any]:
        """For the manifest and the night's report."""
        return {**vars(self), "thresholds": vars(self.thresholds)}


def fit_thresholds(out_of_fold: OutOfFold, *, max_wrong_rate: float, assurance: float) -> FittedThresholds:
    """The loosest answer threshold shown to keep the contract, and a clarify threshold."""
    confidence, right = out_of_fold.confidence, out_of_fold.right
    answer = _walk(confidence, right, max_wrong_rate, assurance)
    answered = confidence >= answer
    wrong = int(np.count_nonzero(answered & ~right))
    count = int(answered.sum())
    clarify = _clarify_level(out_of_fold, answer)
    return FittedThresholds(
        Thresholds(answer, clarify),
        coverage=float(answered.mean()),
        wrong_rate=wrong / count if count else 0.0,
        bound=upper_bound(wrong, count, assurance),
        answered=count,
        rows_needed=0 if count else _fewest(max_wrong_rate, assurance),
    )


def upper_bound(wrong: float, count: int, assurance: float) -> float:
    """One-sided Clopper-Pearson upper bound of a rate; 1 without evidence."""
    return 1.0 if wrong >= count else float(beta.ppf(assurance, wrong + 1, count - wrong))


def _walk(confidence: NDArray[np.float64], right: NDArray[np.bool_], rate: float, assurance: float) -> float:
    """Try thresholds that answer ever more rows; keep the last before the first that fails.

    The walk begins where the confidences alone promise the lowest bound: a choice that no outcome has touched.
    """
    order = np.argsort(-confidence, kind="stable")
    fewest = _fewest(rate, assurance)
    if len(order) < fewest:
        return NEVER
    counts = np.unique(np.linspace(fewest, len(order), num=_STEPS, dtype=np.int64))
    expected, wrong = np.cumsum(1.0 - confidence[order]), np.cumsum(~right[order])
    promised = [upper_bound(float(expected[count - 1]), int(count), assurance) for count in counts]
    best = NEVER
    for count in counts[int(np.argmin(promised)) :]:
        if upper_bound(float(wrong[count - 1]), int(count), assurance) > rate:
            break
        best = float(confidence[order[count - 1]])
    return best


def _fewest(rate: float, assurance: float) -> int:
    """How many answered rows without a mistake show the rate: 45 for 5% at 90%."""
    return int(np.ceil(np.log(1 - assurance) / np.log(1 - rate)))


def _clarify_level(found: OutOfFold, answer: float) -> float:
    """The summed confidence from which the best few held the true intent in 80% of the rows not answered.

    At least one half: a question that probably misses the point is worse than none.
    """
    rest = found.confidence < answer
    if not rest.any():
        return CLARIFY_LEVEL
    mass = found.ranked[rest].sum(axis=1)
    held = np.asarray(found.ranked_true[rest].any(axis=1))
    order = np.argsort(-mass, kind="stable")
    share = np.cumsum(held[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(share >= CLARIFY_LEVEL)
    return max(LEAST_MASS, float(mass[order[good[-1]]])) if len(good) else CLARIFY_LEVEL
