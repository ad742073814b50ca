"""The starter FAQ as rows, with vectors of the real base model that are computed once."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.embedding_cache import CachedEncoder
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.records.files.faq_files import read_faq
from helpdesk.settings import resource
from helpdesk.text import normalise


class Embedder:
    """An encoder that remembers."""

    def __init__(self, encoder: CachedEncoder) -> None:
        self.dim = encoder.dim
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dim]."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        if fresh:
            self._known.update(zip(fresh, self._encoder.encode(fresh), strict=True))
        return np.array([self._known[text] for text in texts], dtype=np.float32).reshape(len(texts), self.dim)


def starter(slugs: Iterable[str] | None = None) -> Dataset:
    """The starter FAQ, or some entries of it, as a dataset of imported phrasings."""
    wanted = None if slugs is None else set(slugs)
    entries = [e for e in read_faq(resource("training_data") / "faq.csv").entries if wanted is None or e.slug in wanted]
    questions = {entry.slug: entry.question or entry.slug for entry in entries}
    rows = [(text, entry.slug) for entry in entries for text in (*entry.phrasings, questions[entry.slug])]
    return dataset(rows, questions=questions)


def dataset(rows: Iterable[tuple[str, str]], *, questions: dict[str, str]) -> Dataset:
    """(text, intent) rows as a dataset; the same text twice in one intent counts once."""
    unique = dict.fromkeys((normalise(text), intent) for text, intent in rows)
    train = tuple(Row(f"phrasing:{number}", text, intent) for number, (text, intent) in enumerate(unique))
    return Dataset(train, (), (), {}, questions)
