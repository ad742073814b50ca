"""Texts grouped by meaning, with the encoder that serves."""

from collections.abc import Sequence

import numpy as np

from helpdesk.matching.index import Vectors
from helpdesk.serving.live import Live

ALIKE = 0.55  # mean cosine of centred vectors between two groups that are one


def group_by_meaning(live: Live, texts: Sequence[str]) -> list[list[int]]:
    """The positions of normalised texts in groups of one meaning, the largest first, each in the order of the texts."""
    if not texts:
        return []
    moved = live.matcher.vectors_of(texts) - live.matcher.bundle.vectors.mean(axis=0)
    vectors = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return sorted(map(sorted, linked(vectors)), key=lambda group: (-len(group), group[0]))


def linked(vectors: Vectors) -> list[list[int]]:
    """Average linkage of unit vectors [n, dim] by their cosines, down to the mean cosine of one meaning."""
    products = (vectors @ vectors.T).astype(np.float64)  # between two groups: the sum of the cosines of their texts
    np.fill_diagonal(products, -np.inf)
    sizes = np.ones(len(vectors))
    groups = {row: [row] for row in range(len(vectors))}
    while len(groups) > 1:
        means = products / np.outer(sizes, sizes)
        first, second = (int(place) for place in np.unravel_index(means.argmax(), means.shape))
        if means[first, second] < ALIKE:
            break
        products[first] += products[second]
        products[:, first] += products[:, second]
        products[second], products[:, second], products[first, first] = -np.inf, -np.inf, -np.inf
        sizes[first] += sizes[second]
        groups[first] += groups.pop(second)
    return list(groups.values())
