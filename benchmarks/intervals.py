"""The mean ratio of rounds in which two were measured one after the other, and how sure it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

WIDEST = 0.1  # of the ratio: the width of its interval at which it is known well enough
FEWEST = 3


@dataclass(frozen=True)
class Ratio:
    """A geometric mean with its 95% interval, by Student's t over the logarithms of the rounds."""

    mean: float
    low: float
    high: float

    @property
    def is_narrow(self) -> bool:
        """Whether the interval is narrow enough."""
        return self.high - self.low <= WIDEST * self.mean


def ratio_of(ratios: Sequence[float]) -> Ratio:
    """The ratio over rounds; without an interval before the third."""
    logs = np.log(np.array(ratios, dtype=np.float64))
    mean = float(logs.mean())
    if len(logs) < FEWEST:
        return Ratio(math.exp(mean), 0.0, math.inf)
    half = float(student.ppf(0.975, len(logs) - 1) * logs.std(ddof=1) / math.sqrt(len(logs)))
    return Ratio(math.exp(mean), math.exp(mean - half), math.exp(mean + half))
