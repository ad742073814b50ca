"""What the contract takes for out-of-scope traffic: assumed at first, then what labels and the audit sample say."""

from dataclasses import dataclass, field

import numpy as np

from helpdesk.learning.calibration.scorer_results import OutOfFold
from helpdesk.matching.probabilities import Floats

MIN_LABELS = 30
MAX_SHARE = 0.9


@dataclass(frozen=True)
class OutOfScopeEvidence:
    """Out-of-scope evidence: top confidences [m] of such messages out of fold, their share of all traffic.

    expected: confidences [k] of the messages that are assumed to come, from which it is told beforehand, without
    looking at labelled ones, which threshold is worth the first try; empty when there are none.
    """

    confidence: Floats
    share: float
    source: str
    expected: Floats = field(default_factory=lambda: np.empty(0))

    @property
    def odds(self) -> float:
        """Out-of-scope messages per in-scope message; 0 without evidence."""
        return self.share / (1.0 - self.share) if len(self.confidence) else 0.0


@dataclass(frozen=True)
class Assumed:
    """What is assumed of traffic until labels tell. share: of all messages, those out of scope; near: of these, those
    about matters of the FAQ's domain that no entry answers."""

    share: float
    near: float


def gather_out_of_scope(
    found: OutOfFold, *, taught: int, assumed: Assumed, share: float | None = None
) -> OutOfScopeEvidence:
    """The out-of-scope evidence of the contract.

    Staff labelled the first `taught` messages as out of scope; from 30 on only those count, since fewer could not show
    by themselves that none is answered. Before, shipped and scrambled messages stand for what is far, rows whose
    intent was taken away for what is near. `share` is the share of traffic by the audit sample; without one it is
    assumed. Labels of the queue say nothing about traffic, because the queue shows doubted messages.
    """
    labelled = taught >= MIN_LABELS
    far = found.out_of_scope_confidence[taught:] if labelled else found.out_of_scope_confidence
    messages = stand_ins = _mixed(far, found.near_confidence, near_share=assumed.near)
    if labelled:
        messages = found.out_of_scope_confidence[:taught]
    if not len(messages):
        return OutOfScopeEvidence(messages, 0.0, "assumed")
    if share is not None:
        return OutOfScopeEvidence(messages, min(MAX_SHARE, share), "the audit sample", stand_ins)
    return OutOfScopeEvidence(messages, assumed.share, "assumed", stand_ins)


def _mixed(far: Floats, near: Floats, *, near_share: float) -> Floats:
    """As many confidences of both as there are at this mixture; quantiles stand for those that are too many."""
    if not len(far) or not len(near):
        return np.concatenate([far, near])
    whole = min(
        len(far) / (1 - near_share) if near_share < 1 else np.inf, len(near) / near_share if near_share else np.inf
    )
    return np.concatenate([_quantiles(far, (1 - near_share) * whole), _quantiles(near, near_share * whole)])


def _quantiles(values: Floats, count: float) -> Floats:
    found: Floats = np.sort(values)[np.linspace(0, len(values) - 1, num=min(len(values), round(count))).astype(int)]
    return found
