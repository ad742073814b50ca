"""Labels for messages nobody labelled: given by a scorer on the base encoder where it is surely right, else none.

Self-training (Lee 2013; Xie et al. 2020, arXiv 1911.04252) with a measured level instead of a guessed one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Intents, Ints, frozen_folds
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import Spellings
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import NEIGHBOURS, Scorer

RIGHT = 0.95
LEAST = 20  # confident rows out of fold, below which no level is believed
FLOOR = 0.5  # a message that is more likely something else is never accepted, however right the others were
NO_LEVEL = 2.0
_CHUNK = 1024


@dataclass(frozen=True)
class PseudoLabels:
    """Accepted messages: their rows in the unlabelled table and intents; the confidence that was asked of them."""

    rows: Ints
    intents: Intents
    level: float


def pseudo_label(
    unlabelled: Vectors, vectors: Vectors, intents: Intents, *, groups: Ints, out_of_scope: Vectors, seed: int
) -> PseudoLabels:
    """Label unit vectors [m, dim] by a scorer fitted on vectors [n, dim] with their intents [n] (any numbers).

    Accepted is a message above the confidence at which the scorer is right out of fold, whose nearest phrasing is of
    the same intent; of each intent the most confident ones, at most as many as it has phrasings. None when there are
    too few phrasings, or all of them alike, to measure the scorer on.
    """
    present, numbers = np.unique(intents, return_inverse=True)
    truth = numbers.astype(np.int32)
    folds = frozen_folds(vectors, truth, out_of_scope, groups=groups, seed=seed)
    if not folds or len(vectors) < LEAST:
        return PseudoLabels(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32), NO_LEVEL)
    # None is left out for being near a phrasing: a wrong label costs more than a missed one.
    doubtless = Spellings((), (), taught=len(out_of_scope))
    fitted = fit_scorer(vectors, truth, out_of_scope, folds, spellings=doubtless, seed=seed)
    found = fitted.out_of_fold
    level = sure_level(found.confidence, found.right, found.out_of_scope_confidence)
    chosen, confidence, nearest = _score(fitted.scorer, unlabelled, vectors, truth)
    accepted = np.flatnonzero((confidence >= level) & (chosen == nearest))
    kept = _capped(accepted, chosen, confidence, room=np.bincount(truth))
    return PseudoLabels(kept, present[chosen[kept]].astype(np.int32), level)


def sure_level(confidence: Floats, right: NDArray[np.bool_], out_of_scope: Floats) -> float:
    """The lowest confidence, from FLOOR, above which 95% are right, half of the messages taken to be out of scope.

    One mistake is added, the correction of conformal risk control for a finite sample (arXiv 2208.02814). NO_LEVEL when
    there is none with at least LEAST rows above it.
    """
    scores = np.concatenate([confidence, out_of_scope])
    order = np.argsort(-scores, kind="stable")
    weight = np.r_[np.ones(len(confidence)), np.full(len(out_of_scope), len(confidence) / max(1, len(out_of_scope)))]
    wrong = np.cumsum((weight * np.r_[~right, np.ones(len(out_of_scope), dtype=bool)])[order])
    share = (wrong + 1) / (np.cumsum(weight[order]) + 1)
    good = np.flatnonzero((share <= 1 - RIGHT) & (np.arange(1, len(order) + 1) >= LEAST) & (scores[order] >= FLOOR))
    return float(scores[order[good[-1]]]) if len(good) else NO_LEVEL


def _score(scorer: Scorer, unlabelled: Vectors, vectors: Vectors, truth: Intents) -> tuple[Intents, Floats, Intents]:
    """Best intent, its confidence, and the intent of the nearest phrasing, each [m]."""
    chosen, confidence, nearest = [], [], []
    k = min(NEIGHBOURS, len(vectors))
    for start in range(0, len(unlabelled), _CHUNK):
        part = unlabelled[start : start + _CHUNK]
        alike = part @ vectors.T
        rows = np.argsort(-alike, axis=1, kind="stable")[:, :k]
        conditional, familiar = scorer.probabilities(
            scorer.features(part, np.take_along_axis(alike, rows, axis=1), truth[rows])
        )
        chosen.append(conditional.argmax(axis=1).astype(np.int32))
        confidence.append(conditional.max(axis=1) * familiar)
        nearest.append(truth[rows[:, 0]])
    return np.concatenate(chosen), np.concatenate(confidence), np.concatenate(nearest)


def _capped(accepted: Ints, chosen: Intents, confidence: Floats, *, room: Ints) -> Ints:
    """The most confident rows of each intent, as many as there is room for, in table order."""
    left = room.copy()
    kept = []
    for row in accepted[np.argsort(-confidence[accepted], kind="stable")]:
        if left[chosen[row]]:
            left[chosen[row]] -= 1
            kept.append(row)
    return np.array(sorted(kept), dtype=np.int64)
