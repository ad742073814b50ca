"""What training learns besides its labels, with and without: part of `ablations.py`.

The encoder is trained by the night's own code on all rows to learn; the others are asked under it.
"""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from ablation_sets import OUTSIDE, BaseEncoder, Task, dataset, load_task
from accuracy import Rows
from sklearn.metrics import roc_auc_score

from helpdesk.learning.calibration.scorer_fit import _centroids, _fit_head, _nearest
from helpdesk.learning.data.dataset import Dataset, TrainingExample
from helpdesk.learning.training import auxiliary_examples, train
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import plan_training
from helpdesk.matching.scorer import nearest_by_intent
from helpdesk.settings import load_settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Figures = dict[str, float]
SHOTS: Final = {"few": 10, "fewest": 2}
ARMS: Final[dict[str, tuple[str, ...]]] = {"labels": (), "pseudo": ("unlabelled",)}  # which examples there are


def measure_training(name: str, arm: str, folder: Path, base: BaseEncoder, *, shots: int, seed: int) -> Figures:
    """Train one encoder as an arm says and ask the other rows."""
    task = load_task(name, folder, shots=shots, seed=seed)
    started, used = time.perf_counter(), time.process_time()
    found = dataset(task.learn, [*_examples(task, ARMS[arm])])
    model, facts = _train(found, base, seed=seed)
    facts |= _right(facts, found, task, base, seed=seed) if "pseudo" in arm else {}
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
    return ask(model, found, task.ask) | facts | seconds


def ask(model: "SentenceTransformer", found: Dataset, rows: Rows) -> Figures:
    """Accuracy of a linear head, the nearest phrasing and the best centroid on rows in scope, and how well
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
    nearest = nearest_by_intent(np.take_along_axis(similarities, near, axis=1), numbers[near], len(found.intents))
    centroids = asked @ _centroids(vectors, numbers, len(found.intents)).T
    views = {"head": asked @ head.T + bias, "nearest": nearest, "centroid": centroids}
    figures = {view: float((scores.argmax(axis=1) == truth)[known].mean()) for view, scores in views.items()}
    figures["mean of the three"] = float(np.mean(list(figures.values())))
    if not known.all():
        figures["oos_auroc"] = float(roc_auc_score(known, centroids.max(axis=1)))
    return figures


def _train(found: Dataset, base: BaseEncoder, *, seed: int) -> tuple["SentenceTransformer", dict[str, Any]]:
    """One training of a night, on all rows of a dataset."""
    settings = load_settings(home=Path("unused"), database_url=None, seed=seed, train_threads=1)
    auxiliary = auxiliary_examples.AuxiliaryExamples(found, base, seed=seed)  # type: ignore[arg-type]
    model = load_base(settings.base_model, threads=settings.train_threads)
    trainer = train._Trainer(found, auxiliary, model, seed, lambda *_: None)
    plan = plan_training(len(found.train), len(found.intents))
    model = trainer.train(range(len(found.train)), plan, stage="ablation")
    facts = trainer.facts.get("examples", {}).get("ablation", {})
    names = ("pseudo_labels", "pseudo_label_level")
    return model, {name: float(facts[name]) for name in names if facts.get(name)}


def _examples(task: Task, kinds: Sequence[str]) -> Iterator[TrainingExample]:
    if "unlabelled" in kinds:
        yield from (TrainingExample(f"example:{n}", "unlabelled", (text,)) for n, (text, _) in enumerate(task.rest))


def _right(facts: dict[str, Any], found: Dataset, task: Task, base: BaseEncoder, *, seed: int) -> Figures:
    """The share of the pseudo-labels that are right."""
    count = int(facts.get("pseudo_labels", 0))
    auxiliary = auxiliary_examples.AuxiliaryExamples(found, base, seed=seed)  # type: ignore[arg-type]
    meaning = dict(task.rest)
    given = auxiliary.select(range(len(found.train))).more[:count]
    right = [meaning[text] == found.intents[intent] for text, intent in given]
    return {"pseudo_labels_right": float(np.mean(right))} if right else {}
