"""Label-aware batches: every text has another one of its intent in its batch."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

VIEWS_PER_INTENT = 2
CHUNK = 32  # texts that are encoded together


class Batches:
    """Endless batches of row numbers: some intents, two rows of each, sorted by length so that chunks pad little."""

    def __init__(
        self, texts: Sequence[str], intents: Sequence[int], *, lengths: Sequence[int], at_once: int, seed: int
    ) -> None:
        """lengths: of each text in tokens. at_once: how many intents a batch has, where there are as many."""
        self._texts = texts
        self._lengths = lengths
        self._chance = np.random.default_rng(seed)
        self._rows: dict[int, list[int]] = {}
        for row, intent in enumerate(intents):
            self._rows.setdefault(intent, []).append(row)
        self._queues: dict[int, list[int]] = {intent: [] for intent in self._rows}
        self._size = min(at_once, len(self._rows))

    def __iter__(self) -> Iterator[list[int]]:
        waiting: list[int] = []
        while True:
            while len(waiting) < self._size:
                fresh = self._chance.permutation(list(self._rows)).tolist()
                waiting += [intent for intent in fresh if intent not in waiting]
            chosen, waiting = waiting[: self._size], waiting[self._size :]
            rows = [row for intent in chosen for row in self._take(intent)]
            yield sorted(rows, key=self._lengths.__getitem__)

    def chunks(self, batch: Sequence[int], *, processes: int = 1) -> list[list[str]]:
        """The batch's texts in chunks of at most CHUNK, each of which is padded to its own longest text; as many for
        each process."""
        texts = [self._texts[row] for row in batch]
        each = math.ceil(len(texts) / (CHUNK * processes))
        size = CHUNK if processes == 1 else math.ceil(len(texts) / (each * processes))
        return [texts[start : start + size] for start in range(0, len(texts), size)]

    def _take(self, intent: int) -> list[int]:
        """The next two rows of an intent, every row once before any twice; a lone row is its own pair (dropout)."""
        taken = []
        for _ in range(VIEWS_PER_INTENT):
            if not self._queues[intent]:
                self._queues[intent] = self._chance.permutation(self._rows[intent]).tolist()
            taken.append(self._queues[intent].pop())
        return taken
