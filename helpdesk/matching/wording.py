"""How unusual the wording of a message is: words and letters that neither the phrasings nor the encoder know.

The encoder gives a vector to any text, even to gibberish and to languages it never learnt, and that vector may lie near
a phrasing by chance. A word that the tokenizer must spell out piece by piece is unknown to the encoder; a word that no
phrasing contains is not what the FAQ is about.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Codes = NDArray[np.uint32]
Spelled = Sequence[tuple[str, int]]
WORDING_FEATURES = ("spelled", "unknown", "letters")
ORDINARY = np.zeros(len(WORDING_FEATURES))
_MOST_PIECES = 4


@dataclass(frozen=True)
class Vocabulary:
    """The words and letters of the phrasings: sorted hashes of the words, sorted code points of the letters."""

    words: Codes
    letters: Codes

    def features(self, spelled: Spelled) -> Floats:
        """How unusual the wording of a spelled-out message is [3]; zeros for ordinary wording.

        Mean pieces beyond the first of its unknown words, share of unknown words, share of unknown letters; all 1 for a
        message without any letter.
        """
        words = [(word, min(pieces - 1, _MOST_PIECES)) for word, pieces in spelled if _has_letter(word)]
        if not words:
            return np.ones(len(WORDING_FEATURES))
        unknown = [pieces for word, pieces in words if crc32(word.encode()) not in self._words]
        letters = [ord(letter) not in self._letters for word, _ in words for letter in word]
        return np.array([sum(unknown) / len(words), len(unknown) / len(words), sum(letters) / len(letters)])

    # A message has a few words: looking them up one by one in a set beats numpy's searches.
    @cached_property
    def _words(self) -> frozenset[int]:
        return frozenset(self.words.tolist())

    @cached_property
    def _letters(self) -> frozenset[int]:
        return frozenset(self.letters.tolist())


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
