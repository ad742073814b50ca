"""The fold encoders of a fine-tuned encoder, and how a bundle stores them."""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import split

FOLDS = "folds"
ASSIGNMENT = "assignment.json"


@dataclass(frozen=True)
class Measurement:
    """How a fine-tuned encoder is measured out of fold: by fold encoders that were each trained without one fold.

    folds: how many folds there are; fold_of: text key -> its fold; encoders: the folder of the encoder that never saw
    fold 0, 1, ... (fewer than `folds` when not every fold is evaluated; none when the encoder itself never saw any row,
    as the base model).
    """

    folds: int
    fold_of: dict[str, int]
    encoders: tuple[Path, ...]

    def without(self, keys: Collection[str]) -> "Measurement":
        """The same with no trace of texts that were erased."""
        return replace(self, fold_of={key: fold for key, fold in self.fold_of.items() if key not in keys})

    def extended(self, dataset: Dataset) -> "Measurement":
        """The same for today's rows: new texts, which no encoder has seen, are assigned to a fold."""
        return replace(self, fold_of=split(dataset, folds=self.folds, known=self.fold_of))


def read_measurement(directory: Path) -> Measurement | None:
    """How the encoder of a sealed bundle is measured; None when it is the base model."""
    folder = directory / FOLDS
    if not folder.is_dir():
        return None
    stored = json.loads((folder / ASSIGNMENT).read_text())
    if "parts" in stored:  # as it was called before
        stored = {"folds": stored["parts"], "evaluated": stored["measured"], "fold_of_text": stored["part_of_text"]}
    encoders = tuple(folder / str(fold) for fold in range(stored["evaluated"]))
    return Measurement(stored["folds"], stored["fold_of_text"], encoders)
