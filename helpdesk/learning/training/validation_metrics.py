"""One figure per kind of row, the higher the better: how well an encoder does what rows of that kind ask for."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Intents
from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats

Columns = Sequence[Vectors]


def centroid_accuracy(vectors: Vectors, intents: Intents) -> float | None:
    """Share of unit vectors [n, dim] nearest to the centroid of their own intent's other rows.

    None unless two intents have two rows each.
    """
    present, numbers = np.unique(intents, return_inverse=True)
    counts = np.bincount(numbers)
    if (counts > 1).sum() < 2:
        return None
    sums = np.zeros((len(present), vectors.shape[1]))
    np.add.at(sums, numbers, vectors)
    alike = vectors @ _unit(sums).T
    rows = np.arange(len(vectors))
    alike[rows, numbers] = np.sum(vectors * _unit(sums[numbers] - vectors), axis=1)
    alike[counts[numbers] == 1, :] = np.nan
    judged = np.flatnonzero(counts[numbers] > 1)
    return float((alike[judged].argmax(axis=1) == numbers[judged]).mean())


def example_metric(examples: Sequence[TrainingExample], columns: Columns) -> float | None:
    """The metric of examples of one kind, given the unit vectors [n, dim] of their first, second and third texts."""
    return _METRICS[examples[0].kind](examples, columns)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = vectors / np.maximum(lengths, 1e-9)
    return scaled


def _cosines(columns: Columns) -> NDArray[np.float32]:
    cosines: NDArray[np.float32] = np.sum(columns[0] * columns[1], axis=1)
    return cosines


def _retrieval(examples: Sequence[TrainingExample], columns: Columns) -> float | None:
    """Share of first texts whose nearest second text, among all of these pairs, is one of their own partners."""
    if len(examples) < 2:
        return None
    partners: dict[str, set[str]] = {}
    for example in examples:
        partners.setdefault(example.texts[0], set()).add(example.texts[1])
    nearest = (columns[0] @ columns[1].T).argmax(axis=1)
    hits = [
        examples[row].texts[1] in partners[example.texts[0]] for example, row in zip(examples, nearest, strict=True)
    ]
    return float(np.mean(hits))


def _rank_correlation(examples: Sequence[TrainingExample], columns: Columns) -> float | None:
    """Spearman's between cosine and score."""
    from scipy.stats import spearmanr

    scores = np.array([example.value for example in examples], dtype=np.float64)
    cosines = _cosines(columns)
    if len(np.unique(scores)) < 2 or len(np.unique(cosines)) < 2:
        return None
    return float(spearmanr(cosines, scores).statistic)


def _pair_accuracy(examples: Sequence[TrainingExample], columns: Columns) -> float | None:
    """Share of (similar, not similar) pairs of pairs of which the similar one is more alike: the area under the ROC."""
    similar = np.array([example.value == 1.0 for example in examples])
    cosines = _cosines(columns)
    if similar.all() or not similar.any():
        return None
    ahead = cosines[similar][:, None] - cosines[~similar][None, :]
    return float(((ahead > 0) + 0.5 * (ahead == 0)).mean())


def _triplet_accuracy(examples: Sequence[TrainingExample], columns: Columns) -> float | None:
    """Share of anchors that are nearer to their positive than to their negative."""
    return float((_cosines(columns) > np.sum(columns[0] * columns[2], axis=1)).mean())


_METRICS: Final[dict[str, Callable[[Sequence[TrainingExample], Columns], float | None]]] = {
    "positive": _retrieval,
    "scored": _rank_correlation,
    "similar": _pair_accuracy,
    "triplet": _triplet_accuracy,
}
