"""Is a candidate fit to serve at all: finite, not deaf, not much slower or larger than what serves now?"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpdesk.errors import BundleError
from helpdesk.learning.gate.verdict import Objection
from helpdesk.matching.bundle import Bundle, encoder_hash
from helpdesk.matching.encoder import Encoder

SAMPLE = 128
LEAST_DISTINCT = 0.5
TIMED = 24
ROUNDS = 3
NOTICEABLE = 0.001  # seconds a message: below this nobody waits, whatever the ratio
_SISTERS = "folds/"


class UnsoundError(BundleError):
    """A candidate cannot serve, whatever it may know; the night makes a refusal of it."""

    def __init__(self, objection: Objection) -> None:
        self.objection = objection
        super().__init__(objection.reason)


def examine_encoder(folder: Path, texts: Sequence[str], *, incumbent: Encoder) -> None:
    """Look at a new encoder before anything is built on it. Raises UnsoundError.

    `texts` are normalised. An encoder whose tokenizer knows no words gives most of them the same vector.
    """
    sample = _sample(texts, SAMPLE)
    try:
        vectors = Encoder(folder).encode(sample)
    except BundleError as error:
        raise UnsoundError(Objection("not_finite", str(error))) from error
    except Exception as error:  # whatever onnxruntime and tokenizers raise on files that are no model
        problem = f"the encoder does not open: {type(error).__name__}: {error}"
        raise UnsoundError(Objection("broken", problem)) from error
    distinct, usual = _distinct(vectors), _distinct(incumbent.encode(sample))
    if distinct < LEAST_DISTINCT * usual:
        reason = f"the tokenizer is broken: {len(sample)} phrasings get {distinct} different vectors, {usual} before"
        raise UnsoundError(Objection("tokenizer", reason))


def slower(candidate: Bundle, incumbent: Bundle, *, texts: Sequence[str], bound: float) -> list[Objection]:
    """An objection when encoding one message takes more than `bound` times as long.

    Both encode the same messages in turns, so that a busy machine is busy for both.
    """
    if encoder_hash(candidate.manifest) == encoder_hash(incumbent.manifest):
        return []
    sample = _sample(texts, TIMED)
    before, after = _in_turns(incumbent.encoder, candidate.encoder, sample)
    if after <= bound * before or after - before <= NOTICEABLE:
        return []
    reason = f"{after / before:.1f} times slower ({1000 * before:.1f} ms a message before, {1000 * after:.1f} ms now)"
    return [Objection("slower", f"{reason}; {bound:g} times is allowed")]


def larger(candidate: Bundle, incumbent: Bundle, *, bound: float) -> list[Objection]:
    """An objection when what is loaded to serve is more than `bound` times as large, for as many phrasings."""
    before, after = _bytes(incumbent), _bytes(candidate)
    growth = max(1.0, len(candidate.phrasing_ids) / len(incumbent.phrasing_ids))
    if after <= bound * growth * before:
        return []
    reason = f"{after / before:.1f} times larger ({before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now)"
    return [Objection("larger", f"{reason}; {bound * growth:.3g} times is allowed")]


def _sample(texts: Sequence[str], size: int) -> list[str]:
    distinct = list(dict.fromkeys(texts))
    return distinct[:: max(1, len(distinct) // size)][:size]


def _distinct(vectors: "np.ndarray[tuple[int, int], np.dtype[np.float32]]") -> int:
    return len(np.unique(np.round(vectors, 3), axis=0))


def _in_turns(first: Encoder, second: Encoder, texts: Sequence[str]) -> tuple[float, float]:
    """Median seconds a message: of each message the quickest of three rounds."""
    best = {encoder: [float("inf")] * len(texts) for encoder in (first, second)}
    for _ in range(ROUNDS):
        for number, text in enumerate(texts):
            for encoder, times in best.items():
                started = time.perf_counter()
                encoder.encode([text])
                times[number] = min(times[number], time.perf_counter() - started)
    return statistics.median(best[first]), statistics.median(best[second])


def _bytes(bundle: Bundle) -> int:
    files = bundle.manifest["files"]
    return sum(facts["size"] for name, facts in files.items() if not name.startswith(_SISTERS))
