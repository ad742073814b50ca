"""What a training learns besides its labels: examples less those held aside, and pseudo-labelled rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.data.dataset import Dataset, TrainingExample
from helpdesk.learning.data.splits import groups_by_intent
from helpdesk.learning.training.losses import AUXILIARY_KINDS, meaning_groups
from helpdesk.learning.training.pseudo_labels import pseudo_label
from helpdesk.matching.index import Vectors
from helpdesk.near_duplicates import near_any
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

HELD, MOST_HELD = 0.15, 0.2
UNLABELLED = "unlabelled"


@dataclass(frozen=True)
class Selection:
    """What one training learns and holds aside.

    learnt, held: examples by kind; more: further labelled rows (text, intent number); same: text -> the group of texts
    that mean the same; facts: counts for the manifest.
    """

    learnt: dict[str, list[TrainingExample]] = field(default_factory=dict)
    held: dict[str, list[TrainingExample]] = field(default_factory=dict)
    more: list[tuple[str, int]] = field(default_factory=list)
    same: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


class AuxiliaryExamples:
    """All examples of one night, and the base encoder's vectors of their texts, each encoded once."""

    def __init__(self, dataset: Dataset, base: "SentenceTransformer", *, seed: int) -> None:
        self._dataset = dataset
        self._base = base
        self._seed = seed
        self._known_vectors: dict[str, Vectors] = {}
        by_kind = {
            kind: [example for example in dataset.examples if example.kind == kind]
            for kind in (*AUXILIARY_KINDS, UNLABELLED)
        }
        self._unlabelled = by_kind.pop(UNLABELLED)
        self._learnt, self._held = share_out(by_kind)

    def counts(self) -> dict[str, int]:
        """How many examples of each kind a training on every label learns from, at most."""
        return {kind: len(rows) for kind, rows in self._learnt.items()}

    def select(self, rows: Sequence[int]) -> Selection:
        """For a training on these rows: nothing of the others, nor of held-out labels, comes in by another door."""
        if not self._dataset.examples:
            return Selection()
        learning = set(rows)
        away = [row.text for n, row in enumerate(self._dataset.train) if n not in learning]
        away += [row.text for row in self._dataset.holdout]
        learnt = {kind: _without(examples, away) for kind, examples in self._learnt.items()}
        labelled = [(self._dataset.texts[n], self._dataset.intent_numbers[n]) for n in rows]
        pseudo, level = self._pseudo_labelled(_without(self._unlabelled, away), rows)
        facts = {
            "learnt": {kind: len(examples) for kind, examples in learnt.items() if examples},
            "held": {kind: len(examples) for kind, examples in self._held.items() if examples},
            "pseudo_labels": len(pseudo),
            "pseudo_label_level": round(level, 4),
        }
        return Selection(learnt, self._held, pseudo, meaning_groups(learnt["positive"], dict(labelled)), facts)

    def _pseudo_labelled(
        self, unlabelled: Sequence[TrainingExample], rows: Sequence[int]
    ) -> tuple[list[tuple[str, int]], float]:
        known = set(self._dataset.texts) | set(self._dataset.out_of_scope)
        messages = [example.texts[0] for example in unlabelled if example.texts[0] not in known]
        if not messages:
            return [], 0.0
        texts = [self._dataset.texts[n] for n in rows]
        found = pseudo_label(
            self._vectors(messages),
            self._vectors(texts),
            self._intents(rows),
            groups=np.array(groups_by_intent(texts, [self._dataset.train[n].intent for n in rows])),
            out_of_scope=self._vectors(self._dataset.out_of_scope),
            seed=self._seed,
        )
        return [
            (messages[row], int(intent)) for row, intent in zip(found.rows, found.intents, strict=True)
        ], found.level

    def _intents(self, rows: Sequence[int]) -> NDArray[np.int32]:
        return np.array([self._dataset.intent_numbers[n] for n in rows], dtype=np.int32)

    def _vectors(self, texts: Sequence[str]) -> Vectors:
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known_vectors]
        if fresh:
            vectors = self._base.encode(fresh, batch_size=64, normalize_embeddings=True, show_progress_bar=False)
            self._known_vectors |= dict(zip(fresh, vectors, strict=True))
        if not texts:
            return np.empty((0, self._base.get_embedding_dimension() or 0), dtype=np.float32)
        return np.stack([self._known_vectors[text] for text in texts])


def share_out(
    by_kind: Mapping[str, Sequence[TrainingExample]],
) -> tuple[dict[str, list[TrainingExample]], dict[str, list[TrainingExample]]]:
    """Examples to learn from, and 10 to 20% of each kind held aside: the same ones every night.

    Selection that begin with the same text stay together; one that repeats a held pair in another kind is not learnt.
    """
    held = {kind: _held(examples) for kind, examples in by_kind.items()}
    ids = {example.id for examples in held.values() for example in examples}
    pairs = {pair for examples in held.values() for example in examples for pair in _pairs(example)}
    learnt = {
        kind: [example for example in examples if example.id not in ids and pairs.isdisjoint(_pairs(example))]
        for kind, examples in by_kind.items()
    }
    return learnt, held


def _held(examples: Sequence[TrainingExample]) -> list[TrainingExample]:
    groups: dict[str, list[TrainingExample]] = {}
    for example in examples:
        groups.setdefault(text_key(example.texts[0]), []).append(example)
    held: list[TrainingExample] = []
    for _, group in sorted(groups.items()):
        if len(held) >= HELD * len(examples):
            break
        if len(held) + len(group) <= MOST_HELD * len(examples):
            held += group
    return held


def _pairs(example: TrainingExample) -> set[frozenset[str]]:
    return {frozenset((example.texts[0], text)) for text in example.texts[1:]}


def _without(examples: Sequence[TrainingExample], away: Sequence[str]) -> list[TrainingExample]:
    texts = list(dict.fromkeys(text for example in examples for text in example.texts))
    near = dict(zip(texts, near_any(texts, away).tolist(), strict=True))
    return [example for example in examples if not any(near[text] for text in example.texts)]
