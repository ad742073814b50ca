"""What fitting a scorer takes and gives: spelled-out words, out-of-fold results, the scorer with its report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Intents, Ints
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import Scorer
from helpdesk.matching.wording import Spelled


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold results: per measured row its position, true and best intent, ranked confidences [n, 4].

    `ranked_true` [n, 4] marks where in the ranking the true intent stands; out_of_scope_confidence [m] is that of
    the best intent of each known out-of-scope message that was used, in the order given; near_confidence [n] that of
    each row when all phrasings of its intent are taken away: what a message would get about a matter of this domain
    that no entry answers. The weights behind a confidence were not fitted on its row either."""

    rows: Ints
    truth: Intents
    best: Intents
    confidence: Floats
    ranked: Floats
    ranked_true: NDArray[np.bool_]
    out_of_scope_confidence: Floats
    near_confidence: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the best intent is the true one."""
        hits: NDArray[np.bool_] = self.truth == self.best
        return hits

    def take(self, which: NDArray[np.bool_] | Ints) -> "OutOfFold":
        """Some of the measured rows, with all of the out-of-scope messages."""
        names = ("rows", "truth", "best", "confidence", "ranked", "ranked_true", "near_confidence")
        return replace(self, **{name: getattr(self, name)[which] for name in names})


@dataclass(frozen=True)
class FittedScorer:
    """A scorer, its out-of-fold results, and figures for the report.

    as_typed: the same rows as they may be typed; unseen: per fold the scorer that never saw the fold's test rows, with
    the weights of `scorer`; out_of_scope_rows: which of the given out-of-scope messages are used, in the order of
    `scorer.out_of_scope`."""

    scorer: Scorer
    out_of_fold: OutOfFold
    as_typed: OutOfFold
    report: dict[str, Any]
    unseen: tuple[Scorer, ...]
    out_of_scope_rows: Ints


@dataclass(frozen=True)
class Spellings:
    """The words of the training rows and of the out-of-scope messages, in their orders.

    Staff labelled the first `taught` ones of the latter. typed: the rows' as they may be typed; empty: as they stand.
    """

    rows: Sequence[Spelled]
    out_of_scope: Sequence[Spelled]
    taught: int = 0
    typed: Sequence[Spelled] = ()
