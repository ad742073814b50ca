"""Two shares measured on the same messages: their difference with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True)
class Difference:
    """A share before and after on the same messages; `change` is after minus before, low to high its interval."""

    before: float
    after: float
    change: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: round(value, 4) for name, value in vars(self).items()}


def difference(before: Sequence[bool], after: Sequence[bool], *, level: float = CONFIDENCE_LEVEL) -> Difference:
    """The paired difference of two shares, with the adjusted Wald interval of Bonett and Price (2012).

    "Adjusted Wald confidence interval for a difference of binomial proportions based on paired data", Journal of
    Educational and Behavioral Statistics 37(4): one pair is added to each kind of disagreement. Without messages the
    interval is -1 to 1.
    """
    count = len(before)
    if not count:
        return Difference(0.0, 0.0, 0.0, -1.0, 1.0)
    gained = sum(new and not old for old, new in zip(before, after, strict=True))
    lost = sum(old and not new for old, new in zip(before, after, strict=True))
    up, down = (gained + 1) / (count + 2), (lost + 1) / (count + 2)
    spread = NormalDist().inv_cdf((1 + level) / 2) * ((up + down - (up - down) ** 2) / (count + 2)) ** 0.5
    return Difference(
        before=sum(before) / count,
        after=sum(after) / count,
        change=(gained - lost) / count,
        low=max(-1.0, up - down - spread),
        high=min(1.0, up - down + spread),
    )
