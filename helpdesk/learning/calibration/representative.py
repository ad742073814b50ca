"""Which rows stand for traffic: an import of a thousand rows of one intent is not a thousand messages about it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Intents
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import row_groups
from helpdesk.text import text_key

MOST_OF_USUAL = 3  # times as many rows as the median intent has
LEAST_OF_INTENT = 10


def representative(dataset: Dataset) -> NDArray[np.bool_]:
    """Mask of the training rows [n] that thresholds and weights are fitted on.

    Of what was written for the FAQ, near-duplicates of one intent count once, and no intent counts more than three
    times as much as the median one; which of its rows count is told by a hash. Labelled messages always count: they
    are traffic.
    """
    messages = np.array([row.is_message for row in dataset.train], dtype=np.bool_)
    first = _first_of_groups(row_groups(dataset), dataset.texts)
    counted = _capped(np.array(dataset.intent_numbers, dtype=np.int32), first & ~messages, dataset.texts)
    return counted | messages


def _first_of_groups(groups: Sequence[int], texts: Sequence[str]) -> NDArray[np.bool_]:
    best: dict[int, int] = {}
    for row in sorted(range(len(texts)), key=lambda row: text_key(texts[row])):
        best.setdefault(groups[row], row)
    first = np.zeros(len(texts), dtype=np.bool_)
    first[list(best.values())] = True
    return first


def _capped(intents: Intents, wanted: NDArray[np.bool_], texts: Sequence[str]) -> NDArray[np.bool_]:
    sizes = np.bincount(intents[wanted])
    most = max(LEAST_OF_INTENT, int(MOST_OF_USUAL * np.median(sizes[sizes > 0])))
    kept = wanted.copy()
    for intent in np.flatnonzero(sizes > most):
        rows = np.flatnonzero(wanted & (intents == intent)).tolist()
        rows.sort(key=lambda row: text_key(texts[row]))
        kept[rows[most:]] = False
    return kept
