"""The sets of `ablations.py`: rows to learn, further training rows without their labels, and rows to ask.

Only training and validation rows are read, never a test part.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from accuracy import CLINC_OOS, Rows

from helpdesk.learning.data.dataset import Dataset, Row, TrainingExample, shipped_out_of_scope
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.matching.encoder import Encoder
from helpdesk.matching.index import Vectors
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.files.labelled_sets import first_of_each, read_clinc
from helpdesk.text import normalise

BASE: Final = "all-MiniLM-L6-v2"
SETS: Final = ("banking77", "clinc150", "near-banking", "near-credit_cards")
ASKED: Final = 2000  # rows in scope, at most
UNLABELLED: Final = 2000
OUTSIDE: Final = CLINC_OOS
_KEPT_EVERY: Final = 1000  # texts


@dataclass(frozen=True)
class Task:
    """Rows (text, intent) to learn, rows that nobody labelled, and rows to ask; the intent OUTSIDE is out of scope."""

    name: str
    learn: Rows
    rest: Rows
    ask: Rows

    def without_intents(self, share: float, *, seed: int) -> "Task":
        """Some of the intents are not learnt: what is asked of them is out of scope."""
        names = sorted({intent for _, intent in self.learn})
        gone = set(random.Random(seed).sample(names, round(share * len(names))))
        return replace(
            self,
            learn=[row for row in self.learn if row[1] not in gone],
            ask=[(text, OUTSIDE if intent in gone else intent) for text, intent in self.ask],
        )


def load_task(name: str, folder: Path, *, shots: int, seed: int) -> Task:
    """One of SETS with so many rows an intent to learn.

    BANKING77's ten rows are those of its published few-shot file; all others are drawn by the seed.
    """
    chance = random.Random(seed)
    if name == "banking77":
        few = normalised(read_labelled(folder / name / "train_10.csv"))
        known = {text for text, _ in few}
        pool = [row for row in normalised(read_labelled(folder / name / "train.csv")) if row[0] not in known]
        pool = random.Random(0).sample(pool, len(pool))
        learn = few if shots == 10 else first_of_each(chance.sample(few, len(few)), shots)
        return Task(name, learn, pool[ASKED : ASKED + UNLABELLED], pool[:ASKED])
    if name == "clinc150":
        path = folder / name / "data_full.json"
        train, ask = normalised(read_clinc(path, "train")), normalised(read_clinc(path, "val"))
        ask = random.Random(0).sample(ask, ASKED) + normalised(read_clinc(path, "oos_train", "oos_val"))
    else:
        near = folder / "clinc_near"
        domain = name.removeprefix("near-")
        train, ask = (normalised(read_labelled(near / f"{domain}_{part}.csv")) for part in ("train", "valid_near"))
    drawn = chance.sample(train, len(train))
    learn = first_of_each(drawn, shots)
    known = {text for text, _ in learn}
    return Task(name, learn, [row for row in drawn if row[0] not in known][:UNLABELLED], ask)


def normalised(rows: Sequence[tuple[str, str]]) -> Rows:
    """The rows as the product keys and encodes them, each text once."""
    found = {normalise(text): intent for text, intent in rows}
    return [(text, intent) for text, intent in found.items() if text]


def dataset(rows: Rows, examples: Sequence[TrainingExample] = (), *, labels: Sequence[Row] = ()) -> Dataset:
    """The rows as phrasings of a FAQ, with labels beside them."""
    phrasings = [Row(f"phrasing:{n}", text, intent) for n, (text, intent) in enumerate(rows)]
    known = {row.text for row in (*phrasings, *labels)}
    outside = [text for text in map(normalise, shipped_out_of_scope()) if text and text not in known]
    names = {row.intent: row.intent for row in (*phrasings, *labels)}
    return Dataset((*phrasings, *labels), (), tuple(outside), {}, names, tuple(examples))


class BaseEncoder:
    """The packaged encoder as it is served, every text encoded once; it may stand in for the base model too."""

    def __init__(self, work: Path) -> None:
        folder = work / "base"
        if not (folder / "done").exists():
            folder.mkdir(parents=True, exist_ok=True)
            save_serving_files(load_base(BASE, threads=1), folder)
            (folder / "done").touch()
        self._encoder = Encoder(folder)
        self._stored = work / "vectors.npz"
        self._vectors: dict[str, Vectors] = {}
        if self._stored.exists():
            with np.load(self._stored) as stored:
                self._vectors = dict(zip(stored["texts"].tolist(), stored["vectors"], strict=True))

    def encode(self, texts: Sequence[str], **_: Any) -> Vectors:
        """Unit vectors [n, dim] of normalised texts."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        for start in range(0, len(fresh), _KEPT_EVERY):
            part = fresh[start : start + _KEPT_EVERY]
            self._vectors.update(zip(part, self._encoder.encode(part), strict=True))
            self._keep()
        return np.stack([self._vectors[text] for text in texts])

    def _keep(self) -> None:
        with self._stored.open("wb") as file:
            np.savez(file, texts=np.array(list(self._vectors)), vectors=np.stack(list(self._vectors.values())))

    def get_embedding_dimension(self) -> int:
        """As sentence-transformers names it."""
        return self._encoder.dim

    def spell(self, text: str) -> list[tuple[str, int]]:
        """The words of a text with how many pieces each has."""
        return self._encoder.spell(text)
