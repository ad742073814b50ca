"""Typing errors are mended towards the words of the FAQ, then towards common words that the encoder knows.

A word that neither the FAQ nor the encoder knows is replaced by the nearest one, by optimal string alignment:
insertions, deletions, substitutions and swaps of neighbours (Damerau 1964: four fifths of all typing errors are one of
these). A message in another language, or about other things, would be bent into words that nobody meant: it stays as
it is unless nearly all of its words are common ones afterwards.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

_SHORTEST = 3
_TWO_ERRORS_FROM = 6  # letters; a shorter word with two errors could be too many others
_COMMON = 3000  # of the encoder's words: rarer ones are seldom what somebody meant to type
_MOSTLY = 0.8
_REMEMBERED = 4096
_MARKS = ".,;:!?()\"'"


class Speller:
    """Mends messages. words: of the phrasings; known: of the encoder, the most frequent first."""

    def __init__(self, words: Collection[str], known: Sequence[str]) -> None:
        self._words = sorted(word for word in words if _is_word(word))
        self._common, self._known = _sorted_out(tuple(known))
        self._usual = frozenset(self._words) | frozenset(self._common)
        self._mended = lru_cache(maxsize=_REMEMBERED)(self._nearest)

    def mend(self, text: str) -> str:
        """The normalised text with unknown words replaced; the same text when that makes no usual words of it."""
        mended = " ".join(self._mend_word(word) for word in text.split(" "))
        words = [bare for word in mended.split(" ") if _is_word(bare := word.strip(_MARKS))]
        usual = sum(word in self._usual for word in words)
        return mended if usual >= _MOSTLY * len(words) else text

    def _mend_word(self, word: str) -> str:
        bare = word.strip(_MARKS)
        if not _is_word(bare) or bare in self._known or bare in self._usual:
            return word
        return word.replace(bare, self._mended(bare))

    def _nearest(self, word: str) -> str:
        errors = 2 if len(word) >= _TWO_ERRORS_FROM else 1
        best, distance = _best(word, self._words, errors)
        other, nearer = _best(word, self._common, min(errors, distance - 1))
        return best if distance <= nearer else other


@lru_cache(maxsize=1)
def _sorted_out(known: tuple[str, ...]) -> tuple[list[str], frozenset[str]]:
    """The most frequent words of an encoder, and all of them; made once for the spellers of many versions."""
    every = [word for word in dict.fromkeys(known) if _is_word(word)]
    return every[:_COMMON], frozenset(every)


def _best(word: str, known: Sequence[str], errors: int) -> tuple[str, int]:
    """The nearest known word, the first of equal ones, and how far it is; a distance no error allows when none is."""
    if errors < 1:
        return word, len(word) + 2
    found = process.extract(word, known, scorer=OSA.distance, score_cutoff=errors, limit=None)
    if not found:
        return word, len(word) + 2
    nearest, distance, _ = min(found, key=lambda match: (match[1], match[0][0] != word[0], match[2]))
    return nearest, int(distance)


def _is_word(word: str) -> bool:
    return len(word) >= _SHORTEST and word.isalpha()
