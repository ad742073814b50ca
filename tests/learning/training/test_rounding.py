"""Which 8-bit weights a bundle gets."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.learning.training.rounding import (
    MOST_LOST,
    Rounding,
    choose_rounding,
    least_mean,
    left_out,
    surely_lost,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

pytestmark = pytest.mark.slow

SUBJECTS = ("red ball", "blue car", "green tree", "black cat")
PLACES = ("now", "today", "outside", "at noon", "in town")
ROWS = tuple(
    Row(f"label:{subject}:{place}", f"see the {subject} {place}", subject) for subject in SUBJECTS for place in PLACES
)
DATASET = Dataset(ROWS, (), (), {}, {})


@pytest.fixture
def model(tiny_base: Path) -> "SentenceTransformer":
    """The tiny model."""
    return load_base(str(tiny_base), threads=1)


@pytest.fixture
def encoder(model: "SentenceTransformer", tmp_path: Path) -> Path:
    """Its encoder, exact."""
    save_serving_files(model, tmp_path / "exact")
    return tmp_path / "exact"


def test_weights_by_channels_are_taken_where_they_lose_nothing(model: "SentenceTransformer", encoder: Path) -> None:
    """Where the encoder in service has 8 bits of either kind; an exact one is followed by an exact one."""
    away = left_out(DATASET)

    assert choose_rounding(model, encoder, DATASET, away, standing=Rounding.BLOCKS) is Rounding.CHANNELS
    assert choose_rounding(model, encoder, DATASET, away, standing=Rounding.NONE) is Rounding.NONE


def test_without_rows_to_measure_on_weights_are_rounded_in_blocks(model: "SentenceTransformer", encoder: Path) -> None:
    """Nothing says then that channels lose nothing."""
    assert choose_rounding(model, encoder, DATASET, [], standing=Rounding.CHANNELS) is Rounding.BLOCKS


def test_an_encoder_that_tells_nothing_apart_loses_its_accuracy(encoder: Path, tiny_base: Path, tmp_path: Path) -> None:
    """Against one that does; the same one loses nothing."""
    import torch

    deaf = load_base(str(tiny_base), threads=1)
    with torch.no_grad():
        deaf[0].auto_model.embeddings.word_embeddings.weight.fill_(1.0)  # type: ignore[operator,union-attr]
    save_serving_files(deaf, tmp_path / "deaf")
    away = left_out(DATASET)

    assert surely_lost({Rounding.CHANNELS: tmp_path / "deaf", Rounding.BLOCKS: encoder}, DATASET, away) > 0.3
    assert surely_lost({Rounding.CHANNELS: encoder, Rounding.BLOCKS: encoder}, DATASET, away) == 0


@pytest.mark.parametrize(("lost", "rows", "more"), [(1, 190, False), (2, 190, False), (8, 190, True), (20, 2000, True)])
def test_a_row_or_two_that_are_lost_are_chance(lost: int, rows: int, *, more: bool) -> None:
    """More than a tenth of a point for sure, or not."""
    differences = np.zeros(rows)
    differences[:lost] = 1.0
    assert (least_mean(differences) > MOST_LOST) == more
