"""SetFit 1.2 by its paper's recipe: pairs from 20 rounds over the rows, one epoch in batches of 16, logistic head.

Its default visits every pair of rows: hours at 385 rows, days at 1,500. Source: Tunstall et al. 2022, arXiv 2209.11055.
"""

import tempfile
from collections.abc import Sequence

import torch
from datasets import Dataset
from job import Decide, Job, carry_out
from setfit import SetFitModel, Trainer, TrainingArguments

ROUNDS = 20


def learn(job: Job) -> Decide:
    """Tune the encoder on pairs, then fit the head."""
    torch.set_num_threads(job.threads)
    names = sorted(set(job.intents))
    numbers = [names.index(intent) for intent in job.intents]
    model = SetFitModel.from_pretrained(job.model, device="cpu")
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(model, _arguments(folder, job.seed), Dataset.from_dict({"text": job.texts, "label": numbers}))
        trainer.train()

    def decide(texts: Sequence[str]) -> list[tuple[str, float]]:
        shares = model.predict_proba(list(texts), as_numpy=True, show_progress_bar=False)
        best = shares.argmax(axis=1)
        return [(names[model.model_head.classes_[i]], float(row[i])) for i, row in zip(best, shares, strict=True)]

    return decide


def _arguments(folder: str, seed: int) -> TrainingArguments:
    return TrainingArguments(
        output_dir=folder,
        num_iterations=ROUNDS,
        num_epochs=1,
        batch_size=16,
        seed=seed,
        save_strategy="no",
        report_to="none",
    )


if __name__ == "__main__":
    carry_out(learn)
