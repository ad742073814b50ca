"""Tonight's fine-tuned encoder, and the sister encoders that measure it out of fold."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.learning.base import load_base
from helpdesk.learning.candidates import Measurement, Progress, split
from helpdesk.learning.export import save_encoder, save_serving_files
from helpdesk.learning.finetune import TrainingPlan, fine_tune, plan_training, seconds_per_step
from helpdesk.learning.snapshot import Snapshot
from helpdesk.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LARGE = 3000
HALVES = 2
FIFTHS = 5


@dataclass(frozen=True)
class Tuned:
    """A folder with the encoder, how to measure it, and what goes into the manifest."""

    encoder: Path
    measurement: Measurement
    facts: dict[str, Any]


def tune(
    workshop: Path,
    snapshot: Snapshot,
    *,
    like: Measurement | None,
    settings: Settings,
    minutes: float,
    max_steps: int | None = None,
    progress: Progress,
) -> Tuned:
    """Fine-tune from the base weights on everything, and once without each measured part.

    Small sets are measured in two halves, so that no row is lost; for large ones one left-out fifth will do. The
    budget is shared out by rows and turned into step counts before training starts. `like` is how the encoder in
    service is measured, whose split is kept, so that the two can be compared row by row.
    """
    parts, measured = (HALVES, HALVES) if len(snapshot.train) < LARGE else (FIFTHS, 1)
    if like is not None:
        parts, measured = like.parts, len(like.encoders)
    part_of = split(snapshot, parts=parts, known=like.part_of if like else None)
    subsets = [[n for n, row in enumerate(snapshot.train) if part_of[row.id] != part] for part in range(measured)]
    everything = list(range(len(snapshot.train)))
    plans = _plans(snapshot, [*subsets, everything], settings=settings, minutes=minutes, max_steps=max_steps)
    folders = [workshop / f"part-{part}" for part in range(measured)]
    for number, (folder, rows, plan) in enumerate(zip(folders, subsets, plans[:-1], strict=True), 1):
        stage = f"fine-tuning to measure {number}/{measured}"
        model = _train(snapshot, rows, plan, settings=settings, stage=stage, progress=progress)
        folder.mkdir(parents=True)
        save_serving_files(model, folder)
    whole = workshop / "whole"
    whole.mkdir(parents=True)
    save_encoder(
        _train(snapshot, everything, plans[-1], settings=settings, stage="fine-tuning", progress=progress), whole
    )
    return Tuned(whole, Measurement(parts, part_of, tuple(folders)), plans[-1].facts())


def _plans(
    snapshot: Snapshot,
    subsets: Sequence[Sequence[int]],
    *,
    settings: Settings,
    minutes: float,
    max_steps: int | None,
) -> list[TrainingPlan]:
    """One plan a training, all shortened alike when their sum would break the budget."""
    intents = [len({snapshot.train[n].intent for n in rows}) for rows in subsets]
    plans = [plan_training(len(rows), count, max_steps=max_steps) for rows, count in zip(subsets, intents, strict=True)]
    model = load_base(settings.base_model, threads=settings.train_threads)
    work = sum(plan.steps * plan.intents for plan in plans)
    pace = seconds_per_step(model, snapshot.texts[:2000], len(snapshot.intents)) / min(48, len(snapshot.intents))
    share = min(1.0, minutes * 60 / (work * pace))
    return [replace(plan, steps=max(1, int(plan.steps * share))) for plan in plans]


def _train(
    snapshot: Snapshot,
    rows: Sequence[int],
    plan: TrainingPlan,
    *,
    settings: Settings,
    stage: str,
    progress: Progress,
) -> "SentenceTransformer":
    model = load_base(settings.base_model, threads=settings.train_threads)
    fine_tune(
        model,
        [snapshot.texts[n] for n in rows],
        intents=[snapshot.intent_numbers[n] for n in rows],
        plan=plan,
        seed=settings.seed,
        progress=lambda done, total: progress(stage, done, total),
    )
    return model
