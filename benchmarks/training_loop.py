"""Our training loop against `SentenceTransformerTrainer` on the same batches, in turns in one process.

    pip install "sentence-transformers[train]"
    OMP_NUM_THREADS=1 python benchmarks/training_loop.py --train ../shared/data/banking77/train_10.csv \\
        --rest ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv --seeds 0 1 2

The trainer gets our batches, our chunks of similar length, our loss and our share of the way back to the base weights;
optimizer, schedule, clipping and the loop are its own. `padded` is the trainer with one padded column a batch. All
train the shipped encoder for the same steps on one thread; which one goes first changes with the seed. Accuracy of the
linear head, of the nearest phrasing and of the vote of ten, on training rows that are not among those learnt (at most
3,000, evenly) and on the test file.
"""

import argparse
import itertools
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.sampler import DefaultBatchSampler
from sklearn.linear_model import LogisticRegression

from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.batches import CHUNK, Batches
from helpdesk.learning.training.dropout import masks_drawn_once
from helpdesk.learning.training.finetune import (
    WARM_UP,
    WEIGHT_DECAY,
    TrainingPlan,
    _loss,
    _trainable,
    _Weights,
    fine_tune,
    half_precision,
    plan_training,
    token_counts,
    tokens,
)
from helpdesk.matching.index import Vectors
from helpdesk.records.files import labelled_sets
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.text import normalise

Rows = list[tuple[str, str]]
MOST = 3_000
NEIGHBOURS = 10


class _Sampler(DefaultBatchSampler):
    """Our label-aware batches, as many as there are steps."""

    def __init__(self, batches: Batches, steps: int) -> None:
        super().__init__([], batch_size=1, drop_last=False)
        self._batches, self._steps = batches, steps

    def __iter__(self) -> Iterator[list[int]]:
        return itertools.islice(iter(self._batches), self._steps)

    def __len__(self) -> int:
        return self._steps


class _Collator:
    """A batch as several columns, each padded to its own longest text."""

    valid_label_columns = ("label",)

    def __init__(self, model: SentenceTransformer, size: int) -> None:
        self._model, self._size = model, size

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
        columns: dict[str, Any] = {"label": torch.tensor([row["label"] for row in rows])}
        for start in range(0, len(rows), self._size):
            found = tokens(self._model, [row["text"] for row in rows[start : start + self._size]])
            columns |= {f"chunk{start}_{name}": value for name, value in found.items()}
        return columns


class _Loss(torch.nn.Module):
    """Our supervised contrastive loss over the columns of a batch."""

    def __init__(self, model: SentenceTransformer, temperature: float) -> None:
        super().__init__()
        self.model, self._temperature = model, temperature

    def forward(self, chunks: Sequence[dict[str, torch.Tensor]], labels: torch.Tensor) -> torch.Tensor:
        with half_precision(self.model.device):
            vectors = torch.cat([self.model(dict(chunk))["sentence_embedding"] for chunk in chunks])
        unit = torch.nn.functional.normalize(vectors[:, : self.model.truncate_dim].float(), dim=-1)
        return _loss(unit, labels.tolist(), self._temperature)


def with_trainer(
    model: SentenceTransformer,
    texts: Sequence[str],
    *,
    intents: Sequence[int],
    plan: TrainingPlan,
    seed: int,
    size: int = CHUNK,
) -> None:
    """What `fine_tune` does with labels alone."""
    _trainable(model)
    weights = _Weights(model, plan.kept)
    batches = Batches(texts, intents, lengths=token_counts(model, texts), at_once=plan.intents, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            max_steps=plan.steps,
            learning_rate=plan.learning_rate,
            warmup_steps=max(1, round(WARM_UP * plan.steps)),
            weight_decay=WEIGHT_DECAY,
            max_grad_norm=1.0,
            optim="adamw_torch_fused",
            seed=seed,
            batch_sampler=lambda *_, **__: _Sampler(batches, plan.steps),
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=model.device.type == "cpu",
            save_strategy="no",
        )
        trainer = SentenceTransformerTrainer(
            model,
            arguments,
            train_dataset=Dataset.from_dict({"text": list(texts), "label": list(intents)}),
            loss=_Loss(model, plan.temperature),
            data_collator=_Collator(model, size),  # type: ignore[arg-type]
        )
        with masks_drawn_once(model):
            trainer.train()
    model.eval()
    weights.blend()


LOOPS: dict[str, Callable[..., object]] = {
    "ours": partial(fine_tune, progress=lambda *_: None),
    "trainer": with_trainer,
    "padded": partial(with_trainer, size=1_000),
}


def run(
    train: Rows, measured: dict[str, Rows], *, loops: Sequence[str], seed: int, max_steps: int | None
) -> Iterator[dict[str, Any]]:
    """One figure set a loop, in an order that changes with the seed."""
    texts = [normalise(text) for text, _ in train]
    names = sorted({intent for _, intent in train})
    intents = [names.index(intent) for _, intent in train]
    plan = plan_training(len(texts), len(names), max_steps=max_steps)
    for loop in loops[:: -1 if seed % 2 else 1]:
        model = load_base("all-MiniLM-L6-v2", threads=1)
        clock, used = time.perf_counter(), time.process_time()
        LOOPS[loop](model, texts, intents=intents, plan=plan, seed=seed)
        used, clock = time.process_time() - used, time.perf_counter() - clock
        figures = {"loop": loop, "seed": seed, "steps": plan.steps, "cpu_s": round(used, 1), "wall_s": round(clock, 1)}
        encode = partial(model.encode, normalize_embeddings=True, show_progress_bar=False)
        judge = _judge(encode(texts), np.array(intents), seed=seed)
        for part, rows in measured.items():
            truth = np.array([names.index(intent) for _, intent in rows])
            found = judge(encode([normalise(text) for text, _ in rows]), truth)
            figures |= {f"{part}_{view}": share for view, share in found}
        yield figures


def _judge(known: Vectors, intents: "np.ndarray[Any, Any]", *, seed: int) -> Callable[..., Iterator[tuple[str, float]]]:
    head = LogisticRegression(C=30.0, max_iter=1000, random_state=seed).fit(known, intents)

    def judge(vectors: Vectors, truth: "np.ndarray[Any, Any]") -> Iterator[tuple[str, float]]:
        alike = vectors @ known.T
        votes = np.zeros((len(vectors), intents.max() + 1))
        near = np.argsort(-alike, axis=1)[:, :NEIGHBOURS]
        for column in near.T:
            rows = np.arange(len(vectors))
            votes[rows, intents[column]] += np.exp(alike[rows, column] / 0.1)
        found = {"head": head.predict(vectors), "nearest": intents[alike.argmax(axis=1)], "vote": votes.argmax(axis=1)}
        yield from ((view, round(100 * float((guess == truth).mean()), 2)) for view, guess in found.items())

    return judge


def main() -> None:
    """Read, train in turns, print one JSON object a training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--rest", type=Path, required=True, help="training rows; those not learnt are measured")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--shots", type=int, default=None)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--loops", nargs="+", choices=list(LOOPS), default=["ours", "trainer"])
    arguments = parser.parse_args()
    train = read_labelled(arguments.train)
    if arguments.shots:
        train = labelled_sets.first_of_each(train, arguments.shots)
    learnt = {text for text, _ in train}
    rest = [row for row in read_labelled(arguments.rest) if row[0] not in learnt]
    few = [rest[int(place)] for place in np.linspace(0, len(rest) - 1, min(MOST, len(rest)))]
    parts = {"rest": few, "test": read_labelled(arguments.test)}
    for seed in arguments.seeds:
        for figures in run(train, parts, loops=arguments.loops, seed=seed, max_steps=arguments.steps):
            print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
