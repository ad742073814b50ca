"""Is a candidate fit to serve at all: finite, not deaf, and what does it cost to serve?"""

import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from helpdesk.errors import BundleError
from helpdesk.learning.gate.case import Cost
from helpdesk.learning.gate.rules import Objection, Rule
from helpdesk.matching.bundle import Bundle, encoder_hash
from helpdesk.matching.encoder import Encoder

SAMPLE = 128
LEAST_DISTINCT = 0.5
TIMED = 24
ROUNDS = 3
_SISTERS = "folds/"


class SmokeCheckError(BundleError):
    """A candidate cannot serve, whatever it may know; the night makes a refusal of it."""

    def __init__(self, objection: Objection) -> None:
        self.objection = objection
        super().__init__(objection.reason)


def examine_encoder(folder: Path, texts: Sequence[str], *, incumbent: Encoder) -> None:
    """Look at a new encoder before anything is built on it. Raises SmokeCheckError.

    `texts` are normalised. An encoder whose tokenizer knows no words gives most of them the same vector.
    """
    sample = _sample(texts, SAMPLE)
    try:
        vectors = Encoder(folder).encode(sample)
    except BundleError as error:
        raise SmokeCheckError(Objection(Rule.NOT_FINITE, str(error))) from error
    except Exception as error:  # whatever onnxruntime and tokenizers raise on files that are no model
        problem = f"the encoder does not open: {type(error).__name__}: {error}"
        raise SmokeCheckError(Objection(Rule.BROKEN, problem)) from error
    distinct, usual = _distinct(vectors), _distinct(incumbent.encode(sample))
    if distinct < LEAST_DISTINCT * usual:
        reason = f"the tokenizer is broken: {len(sample)} phrasings get {distinct} different vectors, {usual} before"
        raise SmokeCheckError(Objection(Rule.TOKENIZER, reason))


def measure_cost(candidate: Bundle, incumbent: Bundle, *, texts: Sequence[str]) -> Cost:
    """What both cost to serve; the time is not measured when both have the same encoder.

    Both encode the same messages in turns, so that a busy machine is busy for both.
    """
    seconds = (0.0, 0.0)
    if encoder_hash(candidate.manifest) != encoder_hash(incumbent.manifest):
        seconds = _in_turns(incumbent.encoder, candidate.encoder, _sample(texts, TIMED))
    phrasings = len(candidate.phrasing_ids) / len(incumbent.phrasing_ids)
    return Cost(seconds, (_bytes(incumbent), _bytes(candidate)), phrasings)


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
