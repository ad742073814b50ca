"""What every rival shares: a JSON job on standard input, its measured decisions as JSON on standard output.

A rival never sees a test label: it returns an intent and a confidence for each message, and `compare.py` judges them.
"""

import contextlib
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

BATCH = 256
TIMED = 200


@dataclass(frozen=True)
class Job:
    """Rows to learn as (text, intent), messages to decide, the encoder's folder, a seed, native threads."""

    train: Sequence[tuple[str, str]]
    test: Sequence[str]
    model: str
    seed: int
    threads: int

    @property
    def texts(self) -> list[str]:
        """The texts to learn."""
        return [text for text, _ in self.train]

    @property
    def intents(self) -> list[str]:
        """The intent of each text to learn."""
        return [intent for _, intent in self.train]


Decide = Callable[[Sequence[str]], list[tuple[str, float]]]


def carry_out(learn: Callable[[Job], Decide]) -> None:
    """Learn the job on standard input, decide its messages, print the result; what libraries print goes to stderr."""
    job = Job(**json.load(sys.stdin))
    with contextlib.redirect_stdout(sys.stderr):
        result = measure(job, learn)
    print(json.dumps(result))


def measure(job: Job, learn: Callable[[Job], Decide]) -> dict[str, Any]:
    """Decisions, seconds of learning (wall, processor), milliseconds a message sent alone, peak memory.

    Libraries are imported before the clock starts.
    """
    started, processor = time.perf_counter(), time.process_time()
    decide = learn(job)
    learning = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - processor}
    decisions = [pair for start in range(0, len(job.test), BATCH) for pair in decide(job.test[start : start + BATCH])]
    return {
        "intents": [intent for intent, _ in decisions],
        "confidences": [confidence for _, confidence in decisions],
        **learning,
        **_one_by_one(decide, job.test[:: max(1, len(job.test) // TIMED)]),
        "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _one_by_one(decide: Decide, texts: Sequence[str]) -> dict[str, float]:
    """Median milliseconds of deciding one message, by the clock and of processor time."""
    decide(texts[:1])
    clock, processor = [], []
    for text in texts:
        started, used = time.perf_counter(), time.process_time()
        decide([text])
        clock.append(1000 * (time.perf_counter() - started))
        processor.append(1000 * (time.process_time() - used))
    return {"message_ms": statistics.median(clock), "message_cpu_ms": statistics.median(processor)}
