"""More ways of saying the same, for intents with few phrasings: typing errors and dropped words.

Noise of the kind people make (Belinkov and Bisk 2018, arXiv 1711.02173; Wei and Zou 2019, arXiv 1901.11196).
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np

from helpdesk.text import normalise, text_key

ENOUGH_PHRASINGS = 4
_TRIES = 5
_FEWEST_WORDS = 4
_FEWEST_LETTERS = 4
_NEGATIONS: Final = frozenset({"no", "not", "never", "without", "cannot", "cant", "dont", "wont", "none", "nothing"})


def noisy_copies(rows: Sequence[tuple[str, int]], *, known: Collection[str], seed: int) -> list[tuple[str, int]]:
    """Rows (text, intent) that fill every intent up to ENOUGH_PHRASINGS; none equals a given row, another, or a text in
    `known`.
    """
    members: dict[int, list[str]] = {}
    for text, intent in rows:
        members.setdefault(intent, []).append(text)
    taken = {*known, *(text for text, _ in rows)}
    copies = []
    for intent, texts in members.items():
        for number in range(max(0, ENOUGH_PHRASINGS - len(texts))):
            copy = _new_copy(texts[number % len(texts)], taken, number, seed)
            if copy is not None:
                taken.add(copy)
                copies.append((copy, intent))
    return copies


def _new_copy(text: str, taken: Collection[str], number: int, seed: int) -> str | None:
    chance = np.random.default_rng([seed, number, int(text_key(text)[:12], 16)])
    for _ in range(_TRIES):
        copy = normalise(disturb(text, chance))
        if copy and copy not in taken:
            return copy
    return None


def disturb(text: str, chance: np.random.Generator) -> str:
    """The text with a word dropped (never a negation, only from longer texts) or a letter swapped, lost or doubled."""
    words = text.split()
    droppable = [place for place, word in enumerate(words) if not _negates(word)]
    if len(words) >= _FEWEST_WORDS and droppable and chance.random() < 0.5:
        del words[int(chance.choice(droppable))]
        return " ".join(words)
    long = [place for place in droppable if len(words[place]) >= _FEWEST_LETTERS]
    if long:
        place = int(chance.choice(long))
        words[place] = _misspell(words[place], chance)
    return " ".join(words)


def _misspell(word: str, chance: np.random.Generator) -> str:
    """One slip inside the word; its first letter stays."""
    at = int(chance.integers(1, len(word) - 1))
    slips = (
        word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        word[:at] + word[at + 1 :],
        word[:at] + word[at] + word[at:],
    )
    return slips[int(chance.integers(len(slips)))]


def _negates(word: str) -> bool:
    return word in _NEGATIONS or word.endswith("n't")
