"""8-bit weights for an encoder, and which kind of them a bundle gets.

In blocks     a graph whose weights are rounded in blocks of 64: nearly the exact vectors, for any architecture
By channels   weights rounded by output channel, run by CTranslate2: 0.4 to 0.7 of the time and a little
              off, for the architectures that it knows

Either way activations are rounded word by word, and the table of words, half of a small model, is rounded too.
"""

import itertools
import logging
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Ints, is_measurable
from helpdesk.learning.calibration.scorer_fit import three_views
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import split
from helpdesk.learning.training.channels import convert
from helpdesk.matching.encoder import Encoder
from helpdesk.matching.networks import CHANNEL_FILES, CHANNELS, MODEL, Vectors
from helpdesk.text import text_key

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BLOCK: Final = 64
_ONE_SIDED: Final = 1.645  # standard errors
MOST_LOST: Final = 0.001  # share of the rows that weights by channels may lose against those in blocks
_MOST_TEXTS: Final = 3000  # texts that are encoded in both ways to compare them
PARITY_TEXTS: Final = ("hello", "i cannot log in", "my laptop is slow " * 30, "¿dónde está?")
_SHORT, _TURNS, _ROUNDS = "how long until my new card arrives", 5, 10


class Rounding(StrEnum):
    """How the weights of a network are stored."""

    NONE = "none"
    BLOCKS = "blocks"
    CHANNELS = "channels"


_LEAST_PARITY: Final = {Rounding.CHANNELS: 0.97, Rounding.BLOCKS: 0.995}  # the fastest first
_PRODUCTS: Final = {"MatMulNBits": Rounding.BLOCKS, "MatMulInteger": Rounding.CHANNELS}  # by channels: older graphs


def rounding_of(folder: Path) -> Rounding:
    """How the weights in an encoder folder are stored."""
    if (folder / CHANNEL_FILES[0]).is_file():
        return Rounding.CHANNELS
    import onnx

    nodes = onnx.load(str(folder / MODEL), load_external_data=False).graph.node
    return next((_PRODUCTS[node.op_type] for node in nodes if node.op_type in _PRODUCTS), Rounding.NONE)


def round_encoder(model: "SentenceTransformer", folder: Path, rounding: Rounding) -> bool:
    """Put 8-bit weights in the place of a model's exact graph in an encoder folder; whether that was done.

    It is not where CTranslate2 does not know the architecture, nor where a text would point elsewhere: the cosine of
    every parity text to its exact vector must be 0.995 in blocks and 0.97 by channels.
    """
    if rounding is Rounding.NONE:
        return True
    expected = Encoder(folder).encode(PARITY_TEXTS)
    if rounding is Rounding.CHANNELS:
        return round_by_channels(model, folder, expected)
    graph, exact = folder / MODEL, folder / MODEL.with_suffix(".exact")
    os.replace(graph, exact)
    _round_in_blocks(exact, graph)
    if kept := bool(parity(expected, folder) >= _LEAST_PARITY[rounding]):
        exact.unlink()
    else:
        os.replace(exact, graph)
    return kept


def parity(expected: Vectors, folder: Path) -> float:
    """The worst cosine similarity between expected unit vectors of the parity texts and what the folder gives."""
    return float(np.min(np.sum(expected * Encoder(folder).encode(PARITY_TEXTS), axis=1)))


def choose_rounding(
    model: "SentenceTransformer",
    folder: Path,
    dataset: Dataset,
    away: Sequence[int],
    *,
    standing: Rounding | None = None,
) -> Rounding:
    """By channels, unless that surely loses more than 0.1 points of accuracy against blocks.

    folder: the exact encoder of the model, which never saw the rows `away`, whose intents it is asked, given the
    others. standing: how the encoder in service is rounded: an exact one stays exact, and no stopwatch is asked, so
    that equal nights choose alike. None: nothing serves yet, and a rounding must also be faster than the exact weights,
    on this machine. Which of the two is faster is not asked: equal builds could differ.
    """
    if standing is Rounding.NONE:
        return Rounding.NONE
    with TemporaryDirectory(prefix="helpdesk-rounding-") as place:
        folders = {rounding: Path(copytree(folder, Path(place) / rounding)) for rounding in _LEAST_PARITY}
        able = [rounding for rounding, rounded in folders.items() if round_encoder(model, rounded, rounding)]
        if standing is None:
            seconds = _seconds({Rounding.NONE: folder, **{rounding: folders[rounding] for rounding in able}})
            able = [rounding for rounding in able if seconds[rounding] < seconds[Rounding.NONE]]
        if able[:1] == [Rounding.CHANNELS] and surely_lost(folders, dataset, away) > MOST_LOST:
            able = able[1:]
    return able[0] if able else Rounding.NONE


def left_out(dataset: Dataset) -> list[int]:
    """A fifth of the rows, for an encoder that never saw any."""
    fold_of = split(dataset, folds=5)
    return [row for row, text in enumerate(dataset.texts) if fold_of[text_key(text)] == 0]


def surely_lost(folders: Mapping[Rounding, Path], dataset: Dataset, away: Sequence[int]) -> float:
    """The share of the rows `away` on which channels are right less often than blocks, both given the other rows, as
    far as chance does not explain it; 1 where there is nothing to measure."""
    asked = _evenly(away, _MOST_TEXTS * 2 // 3)
    learnt = _evenly(sorted(set(range(len(dataset.train))) - set(away)), _MOST_TEXTS - len(asked))
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    if not is_measurable(intents, learnt, asked):
        return 1.0
    right = {}
    for rounding, folder in folders.items():
        vectors = Encoder(folder).encode([dataset.texts[row] for row in (*learnt, *asked)])
        known, others = vectors[: len(learnt)], vectors[len(learnt) :]
        right[rounding] = three_views(known, intents[learnt], others, intents[asked])
    return least_mean(right[Rounding.BLOCKS] - right[Rounding.CHANNELS])


def least_mean(differences: NDArray[np.float64]) -> float:
    """The lower end of the one-sided 95% interval of a mean of paired differences, by the normal approximation: of 200
    rows one or two that were lost say nothing."""
    return float(differences.mean() - _ONE_SIDED * differences.std() / np.sqrt(len(differences)))


def _evenly(rows: Sequence[int], most: int) -> Ints:
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)
    return np.array(rows, dtype=np.int64)[places]


def _round_in_blocks(source: Path, target: Path) -> None:
    import onnx

    with _own_log_lines():
        from onnxruntime.quantization import matmul_nbits_quantizer

    logging.getLogger(matmul_nbits_quantizer.__name__).setLevel(logging.WARNING)
    quantizer = matmul_nbits_quantizer.MatMulNBitsQuantizer(
        onnx.load(str(source)), bits=8, block_size=BLOCK, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    products = target.with_suffix(".products")
    quantizer.model.save_model_to_file(str(products), False)
    _round_words(products, target)
    products.unlink()


@contextmanager
def _own_log_lines() -> Iterator[None]:
    """Within, a library that would print the log lines of all others when it is imported finds that somebody does."""
    somebody = logging.NullHandler()
    logging.getLogger().addHandler(somebody)
    yield
    logging.getLogger().removeHandler(somebody)


def round_by_channels(model: "SentenceTransformer", folder: Path, expected: Vectors) -> bool:
    """Put a network by channels into an encoder folder; whether it gives the parity texts their expected unit vectors.

    It is read before a graph, which goes then; else the folder is as it was.
    """
    kept = convert(model, folder) and bool(parity(expected, folder) >= _LEAST_PARITY[Rounding.CHANNELS])
    shutil.rmtree(folder / (MODEL.parent if kept else CHANNELS), ignore_errors=True)
    return kept


def _round_words(source: Path, target: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().addFilter(_not_the_quantizer)
    try:
        quantize_dynamic(
            source,
            target,
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Gather"],
        )
    finally:
        logging.getLogger().removeFilter(_not_the_quantizer)


def _not_the_quantizer(record: logging.LogRecord) -> bool:
    """Not a line a tensor, nor the advice to prepare a graph for shapes, which this one does not need."""
    return "quantization" not in record.pathname


def _seconds(folders: Mapping[Rounding, Path]) -> dict[Rounding, float]:
    """The least processor time that one short text takes with the encoder in each folder.

    In turns, so that a machine that is faster at one moment than at another is so for all of them.
    """
    encoders = {rounding: Encoder(folder) for rounding, folder in folders.items()}
    least = dict.fromkeys(encoders, math.inf)
    for rounding, encoder in itertools.chain.from_iterable([encoders.items()] * _TURNS):
        for _ in range(_ROUNDS):
            started = time.process_time()
            encoder.encode([_SHORT])
            least[rounding] = min(least[rounding], time.process_time() - started)
    return least
