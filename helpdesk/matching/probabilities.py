"""Logits -> probabilities. NumPy alone: SciPy would cost each web process 24 MB and its start a third of a second."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def softmax(logits: Floats) -> Floats:
    """Shares that sum to 1 along the last axis of logits [n, k]."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Floats = shifted / shifted.sum(axis=1, keepdims=True)
    return shares


def log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithms of those shares."""
    shares: NDArray[np.float32] = logits - log_sum_exp(logits)[:, None]
    return shares


def log_sum_exp(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithm of the sum of exponentials [n] of logits [n, k]."""
    top = logits.max(axis=1)
    total: NDArray[np.float32] = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return total


def sigmoid(logits: Floats) -> Floats:
    """1 / (1 + exp(-x)), of logits held between -30 and 30."""
    values: Floats = 1.0 / (1.0 + np.exp(-np.clip(logits, -30.0, 30.0)))
    return values
