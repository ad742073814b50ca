"""Vectors that point one way are one group; groups are joined by what they are in the mean."""

from itertools import chain

import numpy as np

from helpdesk.serving.meanings import linked


def at(*degrees: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """Unit vectors in the plane."""
    angles = np.radians(degrees)
    return np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)


def test_near_vectors_are_one_group() -> None:
    """What is far from all others is alone."""
    assert sorted(map(sorted, linked(at(0, 90, 5, 95, 200)))) == [[0, 2], [1, 3], [4]]


def test_a_chain_is_not_one_group() -> None:
    """Neighbours alone do not join what is far apart in the mean."""
    groups = linked(at(*range(0, 360, 20)))
    assert len(groups) > 2
    assert sorted(chain(*groups)) == list(range(18))


def test_one_text_is_one_group() -> None:
    """There is nothing to join."""
    assert linked(at(10)) == [[0]]
