"""Findings of the data check, and the rows it examines."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from helpdesk.learning.calibration.folds import Intents
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.matching.index import Vectors

ERROR: Final = "error"
WARNING: Final = "warning"
HINT: Final = "hint"
SEVERITIES: Final = (ERROR, WARNING, HINT)


@dataclass(frozen=True)
class Finding:
    """One fault or suggestion: what is wrong, what to do, and the entries, texts and row ids concerned."""

    check: str
    severity: str
    problem: str
    advice: str
    slugs: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))


@dataclass(frozen=True)
class Published:
    """A published entry, as far as its phrasings are not in the dataset."""

    slug: str
    question: str
    answer: str


@dataclass(frozen=True)
class Data:
    """The published entries, the rows they teach, and the rows' unit vectors [n, dim] under an encoder that learnt
    from none of them. too_long: the rows that are longer than that encoder reads; they are none of the others.
    """

    entries: tuple[Published, ...]
    dataset: Dataset
    vectors: Vectors
    too_long: tuple[Row, ...] = ()

    @cached_property
    def intents(self) -> Intents:
        """Per row, the number of its intent in `dataset.intents`."""
        return np.array(self.dataset.intent_numbers, dtype=np.int32)

    @cached_property
    def centred(self) -> Vectors:
        """The vectors minus their mean, of unit length again.

        An encoder that puts every text in one corner finds everything alike; without the common part a similarity
        means much the same under any encoder (Mu and Viswanath 2018, arXiv 1702.01417).
        """
        moved = self.vectors - self.vectors.mean(axis=0)
        centred: Vectors = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
        return centred
