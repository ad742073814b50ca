"""FAQ phrasings as people may type them: editors write carefully, and thresholds must hold for messages in a hurry."""

from collections.abc import Callable
from random import Random
from typing import Final

from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.perturbations import perturb
from helpdesk.text import normalise, text_key

KINDS: Final = ("typo", "abbreviation", "filler", "word order")
_PHRASING: Final = "phrasing:"


def as_typed(dataset: Dataset, *, share: float, seed: int, mend: Callable[[str], str]) -> list[str]:
    """The training texts, about this share of the phrasings as they may be typed.

    `mend` is what serving does to typing errors. Which phrasing changes and how depends on the seed and its text alone.
    Labelled messages stay: they are as they were typed.
    """
    return [
        _typed(row.text, share=share, seed=seed, mend=mend) if row.id.startswith(_PHRASING) else row.text
        for row in dataset.train
    ]


def _typed(text: str, *, share: float, seed: int, mend: Callable[[str], str]) -> str:
    chance = Random(text_key(f"{seed}:{text}"))
    if chance.random() >= share:
        return text
    rough = perturb(text, chance.choice(KINDS), seed=seed)
    return (mend(normalise(rough)) if rough else "") or text
