"""The bars of messages over time. Geometry only; the template draws them, in percent, so that they fit any width."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from helpdesk.records.traffic import Outcomes

MOST_BARS = 92  # beyond that a bar is a week, or as many weeks as it takes
NOTHING = Outcomes(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Bar:
    """The outcomes of `first` to `last`; left and width in percent of the chart's width."""

    first: date
    last: date
    outcomes: Outcomes
    left: float
    width: float

    @property
    def words(self) -> str:
        """When."""
        return f"{self.first:%-d %b}" if self.first == self.last else f"{self.first:%-d %b} to {self.last:%-d %b}"


@dataclass(frozen=True)
class Volume:
    """The bars and the most messages that one of them has; each: the days of a bar."""

    bars: list[Bar]
    most: int
    each: int


def draw_volume(days: Mapping[date, Outcomes], *, first: date, last: date) -> Volume:
    """One bar a day, or a week when there are many days; days without messages have an empty one."""
    total = (last - first).days + 1
    each = 1 if total <= MOST_BARS else 7 * -(-total // (7 * MOST_BARS))
    count = -(-total // each)
    step = 100 / count
    bars = []
    for number in range(count):
        start = first + timedelta(days=number * each)
        end = min(last, start + timedelta(days=each - 1))
        found = _added([days[day] for day in _days(start, end) if day in days])
        bars.append(Bar(start, end, found, left=number * step + 0.1 * step, width=0.8 * step))
    return Volume(bars, max(bar.outcomes.messages for bar in bars), each)


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _added(rows: list[Outcomes]) -> Outcomes:
    return Outcomes(*(sum(values) for values in zip(*(vars(row).values() for row in [NOTHING, *rows]), strict=True)))
