"""Out-of-scope examples: which shipped ones fit a FAQ, and gibberish made from its own letters."""

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Fold

SCRAMBLED = 60
_AS_NEAR = 0.25


def scrambled(texts: Sequence[str], *, seed: int) -> list[str]:
    """Gibberish in the alphabet and the word lengths of the texts: the letters of some of them, shuffled."""
    chance = random.Random(seed)
    chosen = chance.sample(list(texts), min(SCRAMBLED, len(texts)))
    return [gibberish for text in chosen if (gibberish := _shuffle(text, chance)) != text]


def too_near(folds: Sequence[Fold], *, taught: int) -> NDArray[np.bool_]:
    """Which known out-of-scope messages are as near to a phrasing as most unseen messages that do belong to one.

    A general message may be exactly what a FAQ answers ("my card was declined" at a bank). The first `taught` messages,
    which staff labelled as out of scope, are always kept.
    """
    inside = np.concatenate([_nearest(fold, fold.test_vectors) for fold in folds])
    out_of_scope = np.mean([_nearest(fold, fold.out_of_scope_vectors) for fold in folds], axis=0)
    near: NDArray[np.bool_] = out_of_scope >= np.quantile(inside, _AS_NEAR)
    near[:taught] = False
    return near


def _nearest(fold: Fold, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    similarities: NDArray[np.float32] = (vectors @ fold.train_vectors.T).max(axis=1, initial=-1.0)
    return similarities


def _shuffle(text: str, chance: random.Random) -> str:
    letters = [character for character in text if character.isalpha()]
    chance.shuffle(letters)
    return "".join(letters.pop() if character.isalpha() else character for character in text)
