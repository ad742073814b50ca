"""How strangely a message is worded: words and letters that neither the phrasings nor the encoder know.

The encoder gives some vector to anything, also to gibberish and to languages it never learnt, and such a vector may lie
near a phrasing by chance. What the tokenizer has to spell out piece by piece, the encoder does not know; what no
phrasing contains, the FAQ does not speak of.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint32]
Spelled = Sequence[tuple[str, int]]
SIGNS = ("spelled", "unknown", "letters")
ORDINARY = np.zeros(len(SIGNS))
_MOST_PIECES = 4


@dataclass(frozen=True)
class Vocabulary:
    """What the phrasings are written with: sorted hashes of their words, sorted code points of their letters."""

    words: Codes
    letters: Codes

    def signs(self, spelled: Spelled) -> Floats:
        """How strange a spelled-out message is [3], zeros when it is not.

        Mean pieces beyond the first of its unknown words, share of unknown words, share of unknown letters; all 1 for a
        message without any letter.
        """
        words = [(word, pieces) for word, pieces in spelled if _has_letter(word)]
        if not words:
            return np.ones(len(SIGNS))
        unknown = _missing(_hashes(word for word, _ in words), self.words)
        pieces = np.array([min(pieces - 1, _MOST_PIECES) for _, pieces in words])
        letters = _missing(_points(word for word, _ in words), self.letters)
        return np.array([(pieces * unknown).mean(), unknown.mean(), letters.mean()])


def read_vocabulary(spelled: Iterable[Spelled]) -> Vocabulary:
    """The vocabulary of spelled-out phrasings."""
    words = {word for phrasing in spelled for word, _ in phrasing if _has_letter(word)}
    return Vocabulary(np.unique(_hashes(words)), np.unique(_points(words)))


def _has_letter(word: str) -> bool:
    return any(character.isalpha() for character in word)


def _hashes(words: Iterable[str]) -> Codes:
    return np.array([crc32(word.encode()) for word in words], dtype=np.uint32)


def _points(words: Iterable[str]) -> Codes:
    return np.frombuffer("".join(words).encode("utf-32-le"), dtype=np.uint32)


def _missing(codes: Codes, known: Codes) -> NDArray[np.bool_]:
    """Which codes are not among the sorted known ones."""
    if not len(known):
        return np.ones(len(codes), dtype=np.bool_)
    found = np.minimum(np.searchsorted(known, codes), len(known) - 1)
    missing: NDArray[np.bool_] = known[found] != codes
    return missing
