"""Scores of texts under a scorer that never saw them."""

from collections.abc import Iterator

import numpy as np

from helpdesk.learning.calibration.folds import Intents
from helpdesk.matching.index import Neighbours, Vectors
from helpdesk.matching.scorer import NEIGHBOURS, Scorer, Scores

_BLOCK = 512


def score_unseen(scorer: Scorer, vectors: Vectors, *, indexed: Vectors, intents: Intents) -> Iterator[Scores]:
    """Score unit vectors [m, dim] one by one against their exact neighbours among the indexed rows [n, dim]."""
    k = min(NEIGHBOURS, len(indexed))
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK]
        similarities = block @ indexed.T
        some = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
        for vector, row, found in zip(block, similarities, some, strict=True):
            nearest = found[np.argsort(-row[found], kind="stable")]
            yield scorer.score(vector, Neighbours(nearest, row[nearest]), intents)
