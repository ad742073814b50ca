"""What a training learns besides its labels: lessons less those held aside, mined, pseudo-labelled and noisy rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.data.dataset import Dataset, Lesson
from helpdesk.learning.data.splits import groups_by_intent
from helpdesk.learning.training.augmentation import noisy_copies
from helpdesk.learning.training.hard_negatives import mine_triplets
from helpdesk.learning.training.losses import AUXILIARY_KINDS, meaning_groups
from helpdesk.learning.training.pseudo_labels import pseudo_label
from helpdesk.matching.index import Vectors
from helpdesk.near_duplicates import near_any
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

HELD, MOST_HELD = 0.15, 0.2
UNLABELLED = "unlabelled"
MOST_NEGATIVES = 5_000


@dataclass(frozen=True)
class Lessons:
    """Of one training: lessons learnt and held aside by kind, further labelled rows, groups of like meaning, counts."""

    learnt: dict[str, list[Lesson]] = field(default_factory=dict)
    held: dict[str, list[Lesson]] = field(default_factory=dict)
    more: list[tuple[str, int]] = field(default_factory=list)
    same: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


class Material:
    """All lessons of one night, and the base encoder's vectors of their texts, each encoded once."""

    def __init__(self, dataset: Dataset, base: "SentenceTransformer", *, seed: int) -> None:
        self._dataset = dataset
        self._base = base
        self._seed = seed
        self._known_vectors: dict[str, Vectors] = {}
        by_kind = {
            kind: [lesson for lesson in dataset.lessons if lesson.kind == kind]
            for kind in (*AUXILIARY_KINDS, UNLABELLED)
        }
        self._unlabelled = by_kind.pop(UNLABELLED)
        self._learnt, self._held = share_out(by_kind)

    def counts(self) -> dict[str, int]:
        """How many lessons of each kind a training on every label learns from, at most."""
        return {kind: len(rows) * (2 if kind == "triplet" else 1) for kind, rows in self._learnt.items()}

    def lessons(self, rows: Sequence[int]) -> Lessons:
        """For a training on these rows: nothing of the others, nor of held-out labels, comes in by another door."""
        if not self._dataset.lessons:
            return Lessons()
        learning = set(rows)
        away = [row.text for n, row in enumerate(self._dataset.train) if n not in learning]
        away += [row.text for row in self._dataset.holdout]
        learnt = {kind: _without(lessons, away) for kind, lessons in self._learnt.items()}
        labelled = [(self._dataset.texts[n], self._dataset.intent_numbers[n]) for n in rows]
        mined = self._mined(learnt["triplet"], rows)
        pseudo, level = self._pseudo_labelled(_without(self._unlabelled, away), rows)
        noisy = self._noisy([*labelled, *pseudo], away)
        facts = {
            "learnt": {kind: len(lessons) for kind, lessons in learnt.items() if lessons},
            "held": {kind: len(lessons) for kind, lessons in self._held.items() if lessons},
            "mined_negatives": len(mined),
            "pseudo_labels": len(pseudo),
            "pseudo_label_level": round(level, 4),
            "noisy_copies": len(noisy),
        }
        learnt["triplet"] += mined
        return Lessons(learnt, self._held, [*pseudo, *noisy], meaning_groups(learnt["positive"], dict(labelled)), facts)

    def _mined(self, triplets: Sequence[Lesson], rows: Sequence[int]) -> list[Lesson]:
        if not triplets:
            return []
        few = rows if len(rows) <= MOST_NEGATIVES else _evenly(rows, MOST_NEGATIVES)
        texts = [self._dataset.texts[n] for n in few]
        return mine_triplets(
            triplets,
            self._vectors([lesson.texts[0] for lesson in triplets]),
            self._vectors([lesson.texts[1] for lesson in triplets]),
            texts=texts,
            vectors=self._vectors(texts),
            intents=self._intents(few),
        )

    def _pseudo_labelled(
        self, unlabelled: Sequence[Lesson], rows: Sequence[int]
    ) -> tuple[list[tuple[str, int]], float]:
        known = set(self._dataset.texts) | set(self._dataset.out_of_scope)
        messages = [lesson.texts[0] for lesson in unlabelled if lesson.texts[0] not in known]
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

    def _noisy(self, labelled: Sequence[tuple[str, int]], away: Sequence[str]) -> list[tuple[str, int]]:
        if not self._unlabelled:
            return []
        known = set(self._dataset.texts) | {row.text for row in self._dataset.holdout}
        copies = noisy_copies(labelled, known=known, seed=self._seed)
        near = near_any([text for text, _ in copies], away)
        return [copy for copy, spoilt in zip(copies, near, strict=True) if not spoilt]

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
    by_kind: Mapping[str, Sequence[Lesson]],
) -> tuple[dict[str, list[Lesson]], dict[str, list[Lesson]]]:
    """Lessons to learn from, and 10 to 20% of each kind held aside: the same ones every night.

    Lessons that begin with the same text stay together; one that repeats a held pair in another kind is not learnt.
    """
    held = {kind: _held(lessons) for kind, lessons in by_kind.items()}
    ids = {lesson.id for lessons in held.values() for lesson in lessons}
    pairs = {pair for lessons in held.values() for lesson in lessons for pair in _pairs(lesson)}
    learnt = {
        kind: [lesson for lesson in lessons if lesson.id not in ids and pairs.isdisjoint(_pairs(lesson))]
        for kind, lessons in by_kind.items()
    }
    return learnt, held


def _held(lessons: Sequence[Lesson]) -> list[Lesson]:
    groups: dict[str, list[Lesson]] = {}
    for lesson in lessons:
        groups.setdefault(text_key(lesson.texts[0]), []).append(lesson)
    held: list[Lesson] = []
    for _, group in sorted(groups.items()):
        if len(held) >= HELD * len(lessons):
            break
        if len(held) + len(group) <= MOST_HELD * len(lessons):
            held += group
    return held


def _pairs(lesson: Lesson) -> set[frozenset[str]]:
    return {frozenset((lesson.texts[0], text)) for text in lesson.texts[1:]}


def _without(lessons: Sequence[Lesson], away: Sequence[str]) -> list[Lesson]:
    texts = list(dict.fromkeys(text for lesson in lessons for text in lesson.texts))
    near = dict(zip(texts, near_any(texts, away).tolist(), strict=True))
    return [lesson for lesson in lessons if not any(near[text] for text in lesson.texts)]


def _evenly(rows: Sequence[int], count: int) -> list[int]:
    return [rows[int(place)] for place in np.linspace(0, len(rows) - 1, count)]
