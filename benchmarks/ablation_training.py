"""What training learns besides its labels, with and without: part of `ablations.py`.

The encoder is trained by the night's own code on all rows to learn; the others are asked under it.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

import numpy as np
from ablation_sets import OUTSIDE, BaseEncoder, Task, dataset, load_task
from accuracy import Rows
from sklearn.metrics import roc_auc_score

from helpdesk.learning.calibration.scorer_fit import _centroids, _fit_head, _nearest
from helpdesk.learning.data.dataset import Dataset, TrainingExample
from helpdesk.learning.training import auxiliary_examples, train
from helpdesk.learning.training.finetune import plan_training
from helpdesk.learning.training.hard_negatives import RELATIVE_MARGIN, mine_triplets
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import _neighbour_views
from helpdesk.settings import load_settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Figures = dict[str, float]
SHOTS: Final = {"few": 10, "fewest": 2}
# what is switched off in each arm, and which examples there are
ARMS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "labels": ((), ()),
    "pseudo": (("noisy_copies",), ("unlabelled",)),
    "noisy": (("pseudo_label",), ("unlabelled",)),
    "pseudo+noisy": ((), ("unlabelled",)),
    "triplets": (("mine_triplets",), ("triplet",)),
    "mined": ((), ("triplet",)),
    "mined-st": (("ours",), ("triplet",)),
}


def measure_training(name: str, arm: str, folder: Path, base: BaseEncoder, *, shots: int, seed: int) -> Figures:
    """Train one encoder as an arm says and ask the other rows."""
    task = load_task(name, folder, shots=shots, seed=seed)
    started, used = time.perf_counter(), time.process_time()
    off, kinds = ARMS[arm]
    found = dataset(task.learn, [*_examples(task, kinds, seed=seed)])
    with ExitStack() as stack:
        for mechanism in off:
            stack.enter_context(_without(mechanism, base))
        model, facts = _train(found, base, seed=seed)
    facts |= _right(facts, found, task, base, seed=seed) if "pseudo" in arm else {}
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
    return ask(model, found, task.ask) | facts | seconds


def ask(model: "SentenceTransformer", found: Dataset, rows: Rows) -> Figures:
    """Accuracy of a linear head, the nearest phrasing, the vote and the best centroid on rows in scope, and how well
    the best centroid tells those out of scope."""
    vectors, asked = (
        model.encode(list(texts), batch_size=64, normalize_embeddings=True, show_progress_bar=False)
        for texts in (found.texts, [text for text, _ in rows])
    )
    numbers = np.array(found.intent_numbers, dtype=np.int32)
    known = np.array([intent != OUTSIDE for _, intent in rows])
    truth = np.array([found.intents.index(intent) if intent != OUTSIDE else -1 for _, intent in rows])
    head, bias = _fit_head(vectors, numbers, len(found.intents))
    similarities = asked @ vectors.T
    near = _nearest(similarities)
    nearest, vote = _neighbour_views(np.take_along_axis(similarities, near, axis=1), numbers[near], len(found.intents))
    centroids = asked @ _centroids(vectors, numbers, len(found.intents)).T
    views = {"head": asked @ head.T + bias, "nearest": nearest, "vote": vote, "centroid": centroids}
    figures = {view: float((scores.argmax(axis=1) == truth)[known].mean()) for view, scores in views.items()}
    figures["mean of the four"] = float(np.mean(list(figures.values())))
    if not known.all():
        figures["oos_auroc"] = float(roc_auc_score(known, centroids.max(axis=1)))
    return figures


def _train(found: Dataset, base: BaseEncoder, *, seed: int) -> tuple["SentenceTransformer", dict[str, Any]]:
    """One training of a night, on all rows of a dataset."""
    settings = load_settings(home=Path("unused"), database_url=None, seed=seed, train_threads=1)
    auxiliary = auxiliary_examples.AuxiliaryExamples(found, base, seed=seed)  # type: ignore[arg-type]
    trainer = train._Trainer(found, auxiliary, settings, lambda *_: None)
    plan = plan_training(len(found.train), len(found.intents))
    model = trainer.train(range(len(found.train)), plan, stage="ablation")
    facts = trainer.facts.get("examples", {}).get("ablation", {})
    names = ("mined_negatives", "pseudo_labels", "pseudo_label_level", "noisy_copies")
    return model, {name: float(facts[name]) for name in names if facts.get(name)}


def measure_mining(name: str, arm: str, folder: Path, base: BaseEncoder, *, seed: int) -> Figures:
    """What is mined by ours or by the library's function, without any training.

    false: share of the negatives that mean the same as their anchor; likeness: their mean cosine similarity to it;
    as ours: share of the triplets for which both mine the same negative.
    """
    task = load_task(name, folder, shots=10, seed=seed)
    found, triplets = dataset(task.learn), list(_triplets(task.learn, random.Random(seed)))
    columns = [base.encode([example.texts[n] for example in triplets]) for n in range(2)]
    vectors, intents = base.encode(found.texts), np.array(found.intent_numbers, dtype=np.int32)

    def mined(mine: Callable[..., list[TrainingExample]]) -> dict[str, str]:
        examples = mine(triplets, *columns, texts=found.texts, vectors=vectors, intents=intents)
        return {example.id: example.texts[2] for example in examples}

    ours, meaning = mined(mine_triplets), dict(task.learn)
    given = ours if arm == "mining of ours" else mined(library_mining(base))
    anchors = {f"mined:{example.id}": example.texts[0] for example in triplets}
    alike = [float(np.dot(*base.encode([anchors[row], negative]))) for row, negative in given.items()]
    return {
        "triplets": float(len(given)),
        "false": float(np.mean([meaning[anchors[row]] == meaning[negative] for row, negative in given.items()])),
        "likeness": float(np.mean(alike)),
        "as ours": float(np.mean([ours.get(row) == negative for row, negative in given.items()])),
    }


@contextmanager
def _without(mechanism: str, base: BaseEncoder) -> Iterator[None]:
    """Within, a mechanism gives nothing; for `ours` it is the library's mining that gives."""
    instead: dict[str, tuple[str, Callable[..., Any]]] = {
        "noisy_copies": ("noisy_copies", lambda *_, **__: []),
        "mine_triplets": ("mine_triplets", lambda *_, **__: []),
        "pseudo_label": ("pseudo_label", _no_pseudo_labels),
        "ours": ("mine_triplets", library_mining(base)),
    }
    name, function = instead[mechanism]
    with patch.object(auxiliary_examples, name, function):
        yield


def _no_pseudo_labels(*_: Any, **__: Any) -> Any:
    from helpdesk.learning.training.pseudo_labels import NO_LEVEL, PseudoLabels

    return PseudoLabels(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32), NO_LEVEL)


class _Vectors:
    """The base encoder under the names that the library's mining calls."""

    device = "cpu"

    def __init__(self, base: BaseEncoder) -> None:
        self.encode_query = self.encode_document = base.encode

    def similarity(self, one: Any, other: Any) -> Any:
        """Cosine similarity of unit vectors."""
        import torch

        return torch.as_tensor(one) @ torch.as_tensor(other).T


def library_mining(base: BaseEncoder) -> Callable[..., list[TrainingExample]]:
    """`mine_hard_negatives` of sentence-transformers in place of our mining, with the same relative margin.

    It takes every other text for a negative, so all phrasings of the anchor's and the positive's nearest intents are
    given as positives too, each as a pair of its own, and only the first triplet of each anchor is kept.
    """

    def mine(
        triplets: Sequence[TrainingExample], anchors: Vectors, positives: Vectors, *, texts: Sequence[str],
        vectors: Vectors, intents: Any,
    ) -> list[TrainingExample]:  # fmt: skip
        from datasets import Dataset
        from sentence_transformers.util import mine_hard_negatives

        own = [intents[(part @ vectors.T).argmax(axis=1)] for part in (anchors, positives)]
        pairs = [example.texts[:2] for example in triplets]
        for example, *meanings in zip(triplets, *own, strict=True):
            pairs += [(example.texts[0], texts[n]) for n in np.flatnonzero(np.isin(intents, meanings)).tolist()]
        pairs = list(dict.fromkeys(pairs))
        found = mine_hard_negatives(
            Dataset.from_dict({"anchor": [a for a, _ in pairs], "positive": [p for _, p in pairs]}),
            _Vectors(base),  # type: ignore[arg-type]
            corpus=list(texts), relative_margin=RELATIVE_MARGIN, num_negatives=1, verbose=False,
        )  # fmt: skip
        negatives = {(row["anchor"], row["positive"]): row["negative"] for row in found}
        return [
            TrainingExample(
                f"mined:{example.id}", "triplet", (*example.texts[:2], negatives[example.texts[0], example.texts[1]])
            )
            for example in triplets
            if (example.texts[0], example.texts[1]) in negatives
        ]

    return mine


def _examples(task: Task, kinds: Sequence[str], *, seed: int) -> Iterator[TrainingExample]:
    if "unlabelled" in kinds:
        yield from (TrainingExample(f"example:{n}", "unlabelled", (text,)) for n, (text, _) in enumerate(task.rest))
    if "triplet" in kinds:
        yield from _triplets(task.learn, random.Random(seed))


def _triplets(rows: Rows, chance: random.Random) -> Iterator[TrainingExample]:
    """For each row another of its intent, and one of another intent at random: what a person would write down."""
    for number, (text, intent) in enumerate(rows):
        alike = [other for other, meaning in rows if meaning == intent and other != text]
        others = [other for other, meaning in rows if meaning != intent]
        yield TrainingExample(f"example:t{number}", "triplet", (text, chance.choice(alike), chance.choice(others)))


def _right(facts: dict[str, Any], found: Dataset, task: Task, base: BaseEncoder, *, seed: int) -> Figures:
    """The share of the pseudo-labels that are right."""
    count = int(facts.get("pseudo_labels", 0))
    auxiliary = auxiliary_examples.AuxiliaryExamples(found, base, seed=seed)  # type: ignore[arg-type]
    meaning = dict(task.rest)
    given = auxiliary.select(range(len(found.train))).more[:count]
    right = [meaning[text] == found.intents[intent] for text, intent in given]
    return {"pseudo_labels_right": float(np.mean(right))} if right else {}
