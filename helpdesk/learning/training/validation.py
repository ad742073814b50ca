"""Validation while training: rows held aside are measured at the start and every fifth of the way."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.learning.training.finetune import half_precision
from helpdesk.learning.training.validation_metrics import centroid_accuracy, example_metric
from helpdesk.matching.index import Vectors
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LABELS = "labels"
CHECKS = 5
COST = 0.25  # texts encoded to check, per text trained on: forward passes alone, so about a tenth of the time
_FEWEST_TEXTS = 40
_FEWEST_ROWS = 6


@dataclass(frozen=True)
class ValidationSet:
    """Rows that a training never learns from: examples by kind, and labelled texts with their intents."""

    examples: Mapping[str, Sequence[TrainingExample]] = field(default_factory=dict)
    texts: Sequence[str] = ()
    intents: Sequence[int] = ()

    def limited(self, texts: int) -> "ValidationSet":
        """About so many texts of it, always the same ones; labels get as much as all kinds of examples together."""
        examples = {kind: rows for kind, rows in self.examples.items() if rows}
        share = texts // (2 * len(examples) if self.texts and examples else max(1, len(examples)))
        few = {
            kind: sorted(rows, key=_key)[: max(_FEWEST_ROWS, share // len(rows[0].texts))]
            for kind, rows in examples.items()
        }
        rows = _spread(self.texts, self.intents, texts // 2 if examples else texts)
        return ValidationSet(few, [self.texts[row] for row in rows], [self.intents[row] for row in rows])

    def all_texts(self) -> list[str]:
        """Every text once."""
        every = [text for rows in self.examples.values() for example in rows for text in example.texts]
        return list(dict.fromkeys([*every, *self.texts]))


class Validation:
    """Measures one training on rows that it never learns from."""

    def __init__(self, held: ValidationSet, *, steps: int, trained: int) -> None:
        """`trained`: how many texts the training will see; that bounds what is measured."""
        budget = int(COST * trained)
        self._held = held.limited(max(_FEWEST_TEXTS, budget // (CHECKS + 1)))
        self.texts = self._held.all_texts()
        checks = min(CHECKS, steps, max(1, budget // max(1, len(self.texts)) - 1)) if self.texts else 0
        self._due = {round(check * steps / checks) for check in range(checks + 1)} if checks else set()
        self._seconds = 0.0
        self.steps: list[int] = []
        self.metrics: list[dict[str, float]] = []

    def due(self, step: int) -> bool:
        """Whether to measure after this many steps."""
        return step in self._due

    def check(self, model: "SentenceTransformer", step: int) -> None:
        """Measure the model as it is."""
        started = time.perf_counter()
        with half_precision(model.device):
            vectors = model.encode(self.texts, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
        self.metrics.append(self._measure(dict(zip(self.texts, vectors, strict=True))))
        self.steps.append(step)
        self._seconds += time.perf_counter() - started

    def facts(self) -> dict[str, Any]:
        """The curve, for the manifest: metrics at each step and the rows they rest on."""
        kinds = list(dict.fromkeys(kind for found in self.metrics for kind in found))
        return {
            "steps": self.steps,
            "metrics": {
                kind: [round(found[kind], 4) if kind in found else None for found in self.metrics] for kind in kinds
            },
            "held": {kind: self._rows(kind) for kind in kinds},
            "seconds": round(self._seconds, 2),
        }

    def _rows(self, kind: str) -> int:
        return len(self._held.texts) if kind == LABELS else len(self._held.examples[kind])

    def _measure(self, vectors: Mapping[str, Vectors]) -> dict[str, float]:
        found: dict[str, float | None] = {}
        if self._held.texts:
            stacked = np.stack([vectors[text] for text in self._held.texts])
            found[LABELS] = centroid_accuracy(stacked, np.array(self._held.intents, dtype=np.int32))
        for kind, examples in self._held.examples.items():
            columns = [
                np.stack([vectors[text] for text in texts]) for texts in zip(*(r.texts for r in examples), strict=True)
            ]
            found[kind] = example_metric(examples, columns)
        return {kind: value for kind, value in found.items() if value is not None and math.isfinite(value)}


def _spread(texts: Sequence[str], intents: Sequence[int], limit: int) -> list[int]:
    """Rows of intents that have two or more, the same number of each as far as it goes, about `limit` in all."""
    members: dict[int, list[int]] = {}
    for row, intent in enumerate(intents):
        members.setdefault(intent, []).append(row)
    usable = [sorted(rows, key=lambda row: text_key(texts[row])) for rows in members.values() if len(rows) > 1]
    usable.sort(key=lambda rows: text_key(texts[rows[0]]))
    each = max(2, limit // max(1, len(usable)))
    chosen: list[int] = []
    for rows in usable:
        if len(chosen) < limit:
            chosen += rows[:each]
    return sorted(chosen)


def _key(example: TrainingExample) -> str:
    return text_key("\0".join(example.texts))
