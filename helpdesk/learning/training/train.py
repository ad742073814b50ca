"""Tonight's fine-tuned encoder, and the fold encoders that measure it out of fold."""

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.learning.calibration.measurement import Measurement
from helpdesk.learning.calibration.out_of_fold import Progress
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import split
from helpdesk.learning.training.auxiliary_examples import AuxiliaryExamples, Selection
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.batches import VIEWS_PER_INTENT
from helpdesk.learning.training.finetune import (
    MANY,
    TrainingPlan,
    fine_tune,
    plan_training,
)
from helpdesk.learning.training.losses import AuxiliaryLosses, schedule, texts_in
from helpdesk.learning.training.onnx_export import save_encoder, save_serving_files
from helpdesk.learning.training.rounding import Rounding, choose_rounding, round_encoder, rounding_of
from helpdesk.learning.training.training_budget import TrainingBudget
from helpdesk.learning.training.validation import Validation, ValidationSet
from helpdesk.settings import Settings
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MOST_FOLD_ENCODERS = 4
FIFTHS = 5
ENOUGH_HELD_OUT = 300
TAKEN, WANTED = "taken_steps", "wanted_steps"  # of all trainings; fewer taken where the budget was too short


@dataclass(frozen=True)
class Tuned:
    """A folder with the encoder, how to measure it, and what goes into the manifest."""

    encoder: Path
    measurement: Measurement
    facts: dict[str, Any]


def tune(
    workdir: Path,
    dataset: Dataset,
    *,
    like: Measurement | None,
    standing: Path,
    settings: Settings,
    minutes: float,
    max_steps: int | None = None,
    progress: Progress,
) -> Tuned:
    """Fine-tune from the base weights on everything, and once without each measured part.

    Small sets are measured in two to four parts, so that no row is lost and each fold encoder knows nearly as much
    as the encoder that it stands for: halves put confidence far too low. For large sets one left-out fifth will do.
    The budget is shared out by the texts that each training sees, at the pace of the steps so far. `like` is how the
    encoder in service is measured, whose split is kept until it is outgrown, so that the two can be compared row by
    row; `standing` is its folder, whose 8-bit or exact weights are kept to as well: deciding by a stopwatch would
    differ from run to run."""
    like = None if like is not None and _outgrown(like, dataset) else like
    folds, evaluated = _folds(dataset) if like is None else (like.folds, len(like.encoders))
    fold_of = split(dataset, folds=folds, known=like.fold_of if like else None)
    fold = [fold_of[text_key(text)] for text in dataset.texts]
    subsets = [[n for n in range(len(fold)) if fold[n] != away] for away in range(evaluated)]
    everything = list(range(len(dataset.train)))
    base = load_base(settings.base_model, threads=settings.train_threads)
    auxiliary = AuxiliaryExamples(dataset, base, seed=settings.seed)
    plans = [_plan(dataset, rows, max_steps=max_steps, brief=True) for rows in subsets]
    plans.append(_plan(dataset, everything, max_steps=max_steps, brief=False))
    work = sum(_work(plan, auxiliary, len(rows)) for plan, rows in zip(plans, (*subsets, everything), strict=True))
    trainer = _Trainer(dataset, auxiliary, base, settings.seed, progress, TrainingBudget(minutes * 60, work=work))
    folders = [workdir / f"fold-{fold}" for fold in range(evaluated)]
    rounding = Rounding.NONE
    for number, (folder, rows, plan) in enumerate(zip(folders, subsets, plans[:-1], strict=True), 1):
        stage = f"fine-tuning to measure {number}/{evaluated}"
        model = trainer.train(rows, plan, stage=stage, watched=number == 1)
        folder.mkdir(parents=True)
        save_serving_files(model, folder, rounding=rounding)
        if number == 1:
            away = [row for row in everything if fold[row] == 0]
            rounding = choose_rounding(model, folder, dataset, away, standing=rounding_of(standing))
            round_encoder(model, folder, rounding)
    whole = workdir / "whole"
    whole.mkdir(parents=True)
    model = trainer.train(everything, plans[-1], stage="fine-tuning")
    save_encoder(model, whole, rounding=rounding)
    facts = plans[-1].facts() | trainer.facts | {WANTED: sum(plan.steps for plan in plans)}
    return Tuned(whole, Measurement(folds, fold_of, tuple(folders)), facts)


def _outgrown(like: Measurement, dataset: Dataset) -> bool:
    """Whether the split of a small start should end: what takes over is compared on held-out labels alone that night,
    so there must be many."""
    return like.folds < FIFTHS and len(dataset.train) >= MANY and len(dataset.holdout) >= ENOUGH_HELD_OUT


def _folds(dataset: Dataset) -> tuple[int, int]:
    """Into how many parts the rows fall, and how many of those are measured.

    An ordinary intent has two rows or more in each, which validation while training needs.
    """
    if len(dataset.train) >= MANY:
        return FIFTHS, 1
    rows = statistics.median(Counter(row.intent for row in dataset.train).values())
    parts = min(MOST_FOLD_ENCODERS, max(2, int(rows) // 2))
    return parts, parts


def _plan(dataset: Dataset, rows: Sequence[int], *, max_steps: int | None, brief: bool) -> TrainingPlan:
    return plan_training(len(rows), len({dataset.train[n].intent for n in rows}), max_steps=max_steps, brief=brief)


def _work(plan: TrainingPlan, auxiliary: AuxiliaryExamples, rows: int) -> float:
    """How many texts a training sees."""
    return plan.texts + texts_in(_schedule(plan, auxiliary.counts(), rows))


def _schedule(plan: TrainingPlan, counts: Mapping[str, int], rows: int) -> dict[int, str]:
    """Which steps carry a batch of which other kind: an example is seen as often as a labelled row."""
    return schedule(counts, steps=plan.steps, visits=plan.steps * plan.intents * VIEWS_PER_INTENT / max(1, rows))


@dataclass
class _Trainer:
    """Trains encoders of one night from the base weights; `facts` collects what each learnt and how it went."""

    dataset: Dataset
    auxiliary: AuxiliaryExamples
    base: "SentenceTransformer"
    seed: int
    progress: Progress
    budget: TrainingBudget = field(default_factory=lambda: TrainingBudget(math.inf, work=0))
    facts: dict[str, Any] = field(default_factory=lambda: {"curves": {}, TAKEN: 0})

    def train(
        self, rows: Sequence[int], plan: TrainingPlan, *, stage: str, watched: bool = True
    ) -> "SentenceTransformer":
        """An encoder that never saw the other rows. watched: whether it is measured on them while it learns."""
        dataset = self.dataset
        examples = self.auxiliary.select(rows)
        away = sorted(set(range(len(dataset.train))) - set(rows)) if watched else ()
        held = ValidationSet(
            examples.held if watched else {},
            [dataset.texts[n] for n in away],
            [dataset.intent_numbers[n] for n in away],
        )
        validation = Validation(held, steps=plan.steps, trained=plan.texts)
        model = deepcopy(self.base)
        taken = fine_tune(
            model,
            [*(dataset.texts[n] for n in rows), *(text for text, _ in examples.more)],
            intents=[*(dataset.intent_numbers[n] for n in rows), *(intent for _, intent in examples.more)],
            plan=plan,
            seed=self.seed,
            progress=lambda done, total: self.progress(stage, done, total),
            auxiliary_losses=self._auxiliary_losses(model, examples, plan, len(rows)),
            validation=validation,
            places=self.budget.places(plan.steps, work=_work(plan, self.auxiliary, len(rows))),
        )
        self.facts["steps"] = taken
        self.facts[TAKEN] += taken
        if watched:
            self.facts["curves"][stage] = validation.facts()
        if examples.facts:
            self.facts.setdefault("examples", {})[stage] = examples.facts
        return model

    def _auxiliary_losses(
        self, model: "SentenceTransformer", examples: Selection, plan: TrainingPlan, rows: int
    ) -> AuxiliaryLosses | None:
        planned = _schedule(plan, {kind: len(learnt) for kind, learnt in examples.learnt.items()}, rows)
        if not planned:
            return None
        return AuxiliaryLosses(model, examples.learnt, planned=planned, same=examples.same, seed=self.seed)
