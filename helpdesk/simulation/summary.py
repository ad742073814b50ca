"""What a played arm amounts to. Pure."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpdesk.simulation.arm import Played
from helpdesk.simulation.hidden import HiddenResult, as_shares
from helpdesk.stats.multiple_testing import holm

RUN_LEVEL = 0.05
SMOOTHED = 3  # nights in the running mean of accuracy


def summarise(played: Played, *, full: float | None) -> dict[str, Any]:
    """Figures of a run: accuracies at the start and at the end, regressions, and the share of the gap closed."""
    accuracies = [as_shares(result.columns())["accuracy"] for result in played.hidden]
    start, end = accuracies[0], accuracies[-1]
    return {
        "start_accuracy": start,
        "end_accuracy": end,
        "full_data_accuracy": full,
        "gap_closed": gap_closed(start, end, full),
        "significant_regressions": len(regressions(played)),
        "regressed_nights": regressions(played),
        "labels": sum(played.labels),
        "nights": played.nights,
    }


def gap_closed(start: float | None, end: float | None, full: float | None) -> float | None:
    """How much of the way from the start to training on everything was gone; None when there is no way to go."""
    if start is None or end is None or full is None or full <= start:
        return None
    return (end - start) / (full - start)


def regressions(played: Played) -> list[int]:
    """The nights whose promoted version is significantly worse on the hidden test than the version before.

    One-sided exact McNemar test on the rows that count on both nights, Holm's correction over all promotions of the
    run.
    """
    promoted = [
        night
        for night, (before, after) in enumerate(zip(played.versions, played.versions[1:], strict=False), 1)
        if before != after
    ]
    values = [_p_worse(played.hidden[night - 1], played.hidden[night]) for night in promoted]
    return [night for night, refused in zip(promoted, holm(values, level=RUN_LEVEL), strict=True) if refused]


def _p_worse(before: HiddenResult, after: HiddenResult) -> float:
    from scipy.stats import binomtest

    both = before.counts & after.counts
    lost = int((before.right & ~after.right & both).sum())
    gained = int((after.right & ~before.right & both).sum())
    return float(binomtest(lost, lost + gained, 0.5, alternative="greater").pvalue) if lost > gained else 1.0


def labels_ratio(queue: dict[str, Any], random: dict[str, Any]) -> float | None:
    """Labels that the queue's order needs over labels that random order needs for the same smoothed accuracy.

    Both are summaries of played arms.

    The accuracy is the lower one of the two that the arms end at, so that both reach it; audit labels count. None when
    random order gains nothing.
    """
    curves = [_smoothed(summary) for summary in (queue, random)]
    target = min(accuracy[-1] for _, accuracy in curves)
    needed = [_needed(labels, accuracy, target) for labels, accuracy in curves]
    return needed[0] / needed[1] if needed[1] > 0 else None


def _smoothed(summary: dict[str, Any]) -> tuple[list[float], list[float]]:
    """Labels so far at the start and after each night, and the running mean of accuracy, made monotone."""
    accuracy = [summary["start_accuracy"] or 0.0, *(row["accuracy"] or 0.0 for row in summary["nights"])]
    means = [float(np.mean(accuracy[max(0, n - SMOOTHED + 1) : n + 1])) for n in range(len(accuracy))]
    return [0.0, *(row["labels"] for row in summary["nights"])], np.maximum.accumulate(means).tolist()


def _needed(labels: Sequence[float], accuracy: Sequence[float], target: float) -> float:
    """Labels at which a monotone curve reaches the target first, straight lines between its points."""
    at = next(n for n, value in enumerate(accuracy) if value >= target)
    if at == 0:
        return labels[0]
    share = (target - accuracy[at - 1]) / (accuracy[at] - accuracy[at - 1])
    return labels[at - 1] + share * (labels[at] - labels[at - 1])
