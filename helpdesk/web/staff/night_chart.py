"""The curve of nights as SVG: presentation attributes only, so that a policy without inline styles may show it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil, floor, log10
from xml.etree.ElementTree import Element, SubElement, tostring

from helpdesk.records.tables import Night

INK, LINE = "#7c8796", "#9aa5b3"  # readable on light and on dark paper
BLUE, GREEN, RED, AMBER = "#3b7ddd", "#2e9e6b", "#d0473d", "#c98a1b"
WIDTH, HEIGHT, LEFT, RIGHT = 880, 520, 56, 868
TEXT = 13  # pixels high; a letter is about half as wide
MOST_DATES = 9
DASH, UP, CROSS = "M-7 0H7", "M-4 3.5H4L0-4Z", "M-3.5-3.5 3.5 3.5M-3.5 3.5 3.5-3.5"
PROMOTED, REFUSED, FAILED = ("promoted", UP, GREEN), ("refused", CROSS, AMBER), ("failed", CROSS, RED)
LEGEND = (("right on held-out labels", DASH, BLUE), ("answered directly", DASH, GREEN), PROMOTED, REFUSED, FAILED)
Point = tuple[float, float]


@dataclass(frozen=True)
class _Panel:
    """A strip of the picture that shows 0 to `high` of so many nights, one after the other."""

    svg: Element
    top: float
    bottom: float
    high: float
    nights: int

    def at(self, night: int, value: float) -> Point:
        """Where the value of a night lies."""
        return _x(night, self.nights), self.height(value)

    def height(self, value: float) -> float:
        """How far from the top of the picture a value lies."""
        return self.bottom - (self.bottom - self.top) * value / self.high

    def grid(self, step: float, write: Callable[[float], str]) -> None:
        """A line and a word at each step."""
        for number in range(floor(self.high / step + 1e-9) + 1):
            y = self.height(number * step)
            _path(self.svg, [(LEFT, y), (RIGHT, y)], stroke=LINE, opacity="1" if number == 0 else "0.25")
            _text(self.svg, LEFT - 8, y + 4, write(number * step), anchor="end")

    def line(self, values: Sequence[float | None], color: str) -> None:
        """A line with dots and with gaps where there is no value."""
        known = [None if value is None else self.at(night, value) for night, value in enumerate(values)]
        for is_gap, points in groupby(known, key=lambda point: point is None):
            if not is_gap:
                _path(self.svg, [point for point in points if point], stroke=color, width="1.8")
        for x, y in filter(None, known):
            SubElement(self.svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2.4", fill=color)

    def band(self, nights: Sequence[int], low: Sequence[float], high: Sequence[float], color: str) -> None:
        """What lies between two values of each of the nights."""
        there = [self.at(night, value) for night, value in zip(nights, low, strict=True)]
        back = [self.at(night, value) for night, value in zip(nights, high, strict=True)]
        _path(self.svg, [*there, *reversed(back)], fill=color, opacity="0.2")


def draw_nights(nights: Sequence[Night], *, max_wrong_rate: float) -> str:
    """An SVG of accuracy and coverage, wrong-answer rate with its interval, and labels so far, night by night.

    Promotions, refusals and failures are marked along the top.
    """
    svg = Element("svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {HEIGHT}", width=f"{WIDTH}")
    svg.attrib |= {"height": f"{HEIGHT}", "font-family": "sans-serif", "font-size": f"{TEXT}", "fill": INK}
    _draw_accuracy(svg, nights)
    _draw_wrong_rate(svg, nights, max_wrong_rate)
    _draw_labels(svg, nights)
    for number in range(0, len(nights), ceil(len(nights) / MOST_DATES) or 1):
        _text(svg, _x(number, len(nights)), HEIGHT - 8, f"{nights[number].finished_at:%d %b}", anchor="middle")
    return tostring(svg, encoding="unicode")


def _draw_accuracy(svg: Element, nights: Sequence[Night]) -> None:
    panel = _Panel(svg, top=44, bottom=246, high=1.0, nights=len(nights))
    panel.grid(0.25, "{:.0%}".format)
    panel.line([_accuracy(night) for night in nights], BLUE)
    panel.line([night.coverage for night in nights], GREEN)
    for number, night in enumerate(nights):
        for beside, (_, shape, color) in enumerate(_marks(night)):
            _mark(svg, _x(number, len(nights)) + 9 * beside, 34, shape, color)
    _draw_legend(svg)


def _marks(night: Night) -> Iterator[tuple[str, str, str]]:
    if night.promoted_kind is not None:
        yield PROMOTED
    if night.refusals:
        yield REFUSED
    if night.verdict == "failed":
        yield FAILED


def _draw_legend(svg: Element) -> None:
    x = float(LEFT)
    for words, shape, color in LEGEND:
        _mark(svg, x + 7, 12, shape, color)
        _text(svg, x + 20, 16, words)
        x += 48 + len(words) * TEXT / 2


def _draw_wrong_rate(svg: Element, nights: Sequence[Night], max_wrong_rate: float) -> None:
    known = [number for number, night in enumerate(nights) if night.wrong_low is not None]
    low, high = [nights[n].wrong_low or 0.0 for n in known], [nights[n].wrong_high or 0.0 for n in known]
    top = min(1.0, max([2 * max_wrong_rate, *(1.1 * value for value in high)]))
    panel = _Panel(svg, top=282, bottom=388, high=top, nights=len(nights))
    step = _step(top)
    panel.grid(step, f"{{:.{0 if step >= 0.01 else 1}%}}".format)
    panel.band(known, low, high, RED)
    panel.line([night.wrong_share for night in nights], RED)
    limit = panel.height(max_wrong_rate)
    _path(svg, [(LEFT, limit), (RIGHT, limit)], stroke=INK, dashes="5 4")
    _text(svg, LEFT, 272, "wrong answers, and the most that the settings allow")


def _draw_labels(svg: Element, nights: Sequence[Night]) -> None:
    counts = [night.labels for night in nights]
    panel = _Panel(svg, top=424, bottom=490, high=max([1, *counts]), nights=len(nights))
    panel.grid(max(1, _step(panel.high)), "{:,.0f}".format)
    panel.band(range(len(nights)), [0] * len(nights), counts, INK)
    panel.line(counts, INK)
    _text(svg, LEFT, 414, "labels")


def _step(high: float) -> float:
    """The smallest of 1, 2, 5, 10 ... that cuts 0 to `high` into at most five."""
    power: float = 10.0 ** floor(log10(high / 5))
    return next(step for step in (power, 2 * power, 5 * power, 10 * power) if high / step <= 5)


def _x(night: int, nights: int) -> float:
    return LEFT + (RIGHT - LEFT) * (night + 0.5) / nights


def _path(
    svg: Element,
    points: Sequence[Point],
    *,
    stroke: str = "none",
    fill: str = "none",
    width: str = "1",
    opacity: str = "1",
    dashes: str = "none",
) -> None:
    where = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""
    path = SubElement(svg, "path", d=where, stroke=stroke, fill=fill, opacity=opacity)
    path.attrib |= {"stroke-width": width, "stroke-dasharray": dashes, "stroke-linejoin": "round"}


def _mark(svg: Element, x: float, y: float, shape: str, color: str) -> None:
    place = {"d": shape, "transform": f"translate({x:.1f} {y:.1f})"}
    SubElement(svg, "path", place | {"fill": color, "stroke": color, "stroke-width": "1.8"})


def _text(svg: Element, x: float, y: float, words: str, *, anchor: str = "start") -> None:
    SubElement(svg, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = words


def _accuracy(night: Night) -> float | None:
    return (night.holdout_right or 0) / night.holdout_rows if night.holdout_rows else None
