"""The fold encoders of a fine-tuned encoder, and how a bundle stores them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from helpdesk.learning.data.dataset import Snapshot
from helpdesk.learning.data.splits import split
from helpdesk.matching import bundle as layout

FOLDS = "folds"
ASSIGNMENT = "assignment.json"


@dataclass(frozen=True)
class Measurement:
    """How a fine-tuned encoder is measured out of fold: by fold encoders that were each trained without one fold.

    parts: how many folds there are; part_of: text key -> its fold; encoders: the folder of the encoder that never saw
    fold 0, 1, ... (fewer than `parts` when not every fold is evaluated; none when the encoder itself never saw any row,
    as the base model).
    """

    parts: int
    part_of: dict[str, int]
    encoders: tuple[Path, ...]

    def extended(self, snapshot: Snapshot) -> "Measurement":
        """The same for today's rows: new texts, which no encoder has seen, are assigned to a fold."""
        return replace(self, part_of=split(snapshot, parts=self.parts, known=self.part_of))


def read_measurement(directory: Path) -> Measurement | None:
    """How the encoder of a sealed bundle is measured; None when it is the base model."""
    folder = directory / FOLDS
    if not folder.is_dir():
        return None
    stored = json.loads((folder / ASSIGNMENT).read_text())
    encoders = tuple(folder / str(part) for part in range(stored["measured"]))
    part_of = stored["part_of_text"] if "part_of_text" in stored else _by_text(directory, stored["part_of"])
    return Measurement(stored["parts"], part_of, encoders)


def _by_text(directory: Path, part_of: Mapping[str, int]) -> dict[str, int]:
    """Text key -> fold, from a bundle of an older form, in which rows had a fold and not texts."""
    phrasings = json.loads((directory / layout.PHRASINGS).read_text())
    return {key: part_of[row] for row, key in zip(phrasings["ids"], phrasings["keys"], strict=True)}
