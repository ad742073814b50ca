"""Folds: rows left out in turn, so that each is scored by a model that never saw it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from helpdesk.matching.index import Vectors

Ints = NDArray[np.int64]
Intents = NDArray[np.int32]
MOST_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """The test rows of one fold, and the encoder, head and index rows that never saw them.

    Vectors [n, dim], intents [n]; test_rows are positions in the whole training table; out_of_scope_vectors [m, dim]
    are known out-of-scope messages under the same encoder. number: which fold encoder that is, where there are several.
    typed_vectors: the test rows as they may be typed; None when they are typed as they stand."""

    train_vectors: Vectors
    train_intents: Intents
    test_vectors: Vectors
    test_intents: Intents
    test_rows: Ints
    out_of_scope_vectors: Vectors
    number: int = 0
    typed_vectors: Vectors | None = None


def is_measurable(intents: Intents, train: Ints, test: Ints) -> bool:
    """Whether rows can be measured: a head needs two intents to choose from."""
    return len(test) > 0 and len(np.unique(intents[train])) > 1


def frozen_folds(
    vectors: Vectors,
    intents: Intents,
    out_of_scope_vectors: Vectors,
    *,
    typed: Vectors | None = None,
    groups: Ints | None = None,
    seed: int,
) -> list[Fold]:
    """Folds under an encoder that never saw any row: stratified, near-duplicate groups kept together.

    As many folds as an ordinary intent has rows, up to five, so that every fold takes a row from every intent. If one
    fold took more rows from an intent than from others, that intent would look worse than it is.
    """
    groups = np.arange(len(intents)) if groups is None else groups
    count = int(np.clip(np.median(np.unique(intents, return_counts=True)[1]), 2, MOST_FOLDS))
    part = _spread(intents, groups, count, seed=seed)
    folds = []
    for number in range(count):
        train, test = np.flatnonzero(part != number), np.flatnonzero(part == number)
        if is_measurable(intents, train, test):
            fold = Fold(vectors[train], intents[train], vectors[test], intents[test], test, out_of_scope_vectors)
            folds.append(fold if typed is None else replace(fold, typed_vectors=typed[test]))
    return folds


def _spread(intents: Intents, groups: Ints, count: int, *, seed: int) -> Ints:
    """A fold number per row: groups stay together, each intent is spread over the folds."""
    order = np.random.default_rng(seed).permutation(len(intents))
    part = np.zeros(len(intents), dtype=np.int64)
    fold_of_group: dict[int, int] = {}
    used: dict[int, list[int]] = {}
    for row in order:
        intent, group = int(intents[row]), int(groups[row])
        sizes = used.setdefault(intent, [0] * count)
        if group not in fold_of_group:
            start = intent % count
            fold_of_group[group] = min(range(count), key=lambda f: (sizes[f], (f - start) % count))
        part[row] = fold_of_group[group]
        sizes[part[row]] += 1
    return part
