"""A candidate may not serve two groups of people too unequally."""

from collections.abc import Mapping, Sequence
from typing import Any

from helpdesk.learning.gate.verdict import Objection

_METRICS = {"answer_rate": "answered directly", "accuracy": "accuracy"}


def fairness_objections(report: Sequence[Mapping[str, Any]], max_gap: float | None) -> list[Objection]:
    """Why a bundle with these slices (as `SliceResult.as_dict` gives them) is too unequal: its whole interval says so.

    No limit, no objection.
    """
    if max_gap is None:
        return []
    return [
        Objection(
            "fairness",
            f"{result['slice']}: {words} differs by {100 * abs(found['change']):.0f} points between "
            f"{' and '.join(result['sides'])} (95% interval {100 * found['low']:+.0f} to {100 * found['high']:+.0f}); "
            f"at most {100 * max_gap:.0f} are allowed",
        )
        for result in report
        for metric, words in _METRICS.items()
        if max((found := result[metric])["low"], -found["high"]) > max_gap
    ]
