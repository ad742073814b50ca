"""The one definition of near-duplicate texts: letters and the set of words decide, never an encoder.

Digits are all alike: two orders with different numbers are asked about in the same words.

What is a near-duplicate of a held-out text must not be learnt, and near-duplicates never fall on two sides of a split.
An encoder would move that line with every training.
"""

from collections.abc import Iterator, Sequence
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

LEAST_SIMILARITY = 85.0  # of 100: rapidfuzz's ratio of the texts with their words sorted
_BLOCK = 1_000
_ALIKE = str.maketrans("123456789", "0" * 9)
Positions = NDArray[np.int64]


def near_duplicates(text: str, others: Sequence[str]) -> list[int]:
    """Positions of the near-duplicates of a text among the others, in their order."""
    return [int(position) for block in _similarities([text], others) for position in np.flatnonzero(block)]


def near_lengths(length: int) -> tuple[int, int]:
    """The least and the greatest length of a near-duplicate of a text of so many characters.

    The ratio is twice the common characters over all characters, and at most the shorter text is common.
    """
    widest = (200 - LEAST_SIMILARITY) / LEAST_SIMILARITY
    return floor(length / widest), ceil(length * widest)


def near_any(texts: Sequence[str], others: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts [n] are near-duplicates of any of the others."""
    if not texts or not others:
        return np.zeros(len(texts), dtype=np.bool_)
    return np.concatenate([(block > 0).any(axis=1) for block in _similarities(texts, others)])


def near_pairs(texts: Sequence[str]) -> tuple[Positions, Positions]:
    """Every pair of near-duplicates: positions of the first [n] and of the second [n], first before second."""
    firsts, seconds = [np.empty(0, dtype=np.int64)], [np.empty(0, dtype=np.int64)]
    for number, block in enumerate(_similarities(texts, texts)):
        first, second = np.nonzero(block)
        first = first + number * _BLOCK
        firsts.append(first[first < second])
        seconds.append(second[first < second])
    return np.concatenate(firsts), np.concatenate(seconds)


def near_groups(texts: Sequence[str]) -> list[int]:
    """A number for each text: chains of near-duplicates share one."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    first, second = near_pairs(texts)
    graph = csr_matrix((np.ones(len(first), dtype=np.int8), (first, second)), shape=(len(texts), len(texts)))
    return [int(group) for group in connected_components(graph, directed=False)[1]]


def _similarities(texts: Sequence[str], others: Sequence[str]) -> Iterator[NDArray[np.float32]]:
    """Similarities [up to 1,000, others] of near-duplicates, 0 elsewhere, block after block of the texts."""
    queries, choices = [_sorted_words(text) for text in texts], [_sorted_words(text) for text in others]
    for start in range(0, len(queries), _BLOCK):
        yield process.cdist(
            queries[start : start + _BLOCK],
            choices,
            scorer=fuzz.ratio,
            score_cutoff=LEAST_SIMILARITY,
            dtype=np.float32,
        )


def _sorted_words(text: str) -> str:
    return " ".join(sorted(text.translate(_ALIKE).split()))
