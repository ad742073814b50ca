"""The time that the trainings of a night have together, and how many of their steps it is enough for."""

import math
import time
from collections.abc import Iterator


class TrainingBudget:
    """Time for several trainings, shared out by their work.

    The pace is what the steps so far took. It is taken again with every step, since a machine may be busier in an hour
    than it is now, or less busy. Where time is short, all steps to come are thinned out alike.
    """

    def __init__(self, seconds: float, *, work: float) -> None:
        """`work`: of all trainings, in any unit."""
        self._left, self._work = seconds, work
        self._spent = self._done = 0.0

    def places(self, steps: int, *, work: float) -> Iterator[float]:
        """The places in the schedule of one training, of so many steps and so much work, at which a step is taken.

        0, 1, 2 ... while there is time for every step; further apart where there is not; the first one always.
        """
        place, each = 0.0, work / steps
        while place < steps:
            began = time.monotonic()
            yield place
            stride = self._stride(each, time.monotonic() - began)
            self._work -= min(stride, steps - place) * each
            place += stride

    def _stride(self, work: float, seconds: float) -> float:
        """How many planned steps the next one stands for, after one of so much work took so long."""
        self._left -= seconds
        self._spent += seconds
        self._done += work
        needed = (self._work - work) * self._spent / self._done
        return max(1.0, needed / self._left) if self._left > 0 else math.inf
