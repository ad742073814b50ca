"""The curve of nights as SVG. Matplotlib is imported when a chart is drawn, never before."""

import io
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from helpdesk.records.tables import Night

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.typing import RcKeyType

INK, LINE = "#7c8796", "#9aa5b3"  # readable on light and on dark paper
BLUE, GREEN, RED, AMBER = "#3b7ddd", "#2e9e6b", "#d0473d", "#c98a1b"
_SVG = "http://www.w3.org/2000/svg"
_SETTINGS: "dict[RcKeyType, Any]" = {
    "svg.fonttype": "none",
    "svg.hashsalt": "helpdesk",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.alpha": 0.25,
}
_drawing = threading.Lock()  # matplotlib's settings belong to the whole process


def draw_nights(nights: Sequence[Night], *, max_wrong_rate: float) -> str:
    """An SVG of accuracy and coverage, wrong-answer rate with its interval, and labels so far, night by night.

    Promotions, refusals and failures are marked along the top. It has no styles, so that a strict policy may show it.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    out = io.StringIO()
    with _drawing, rc_context(_SETTINGS):
        figure = Figure(figsize=(9.2, 5.4), layout="constrained")
        figure.patch.set_visible(False)
        grid = figure.subplots(3, 1, sharex=True, height_ratios=(5, 3, 2))
        _draw_accuracy(grid[0], nights)
        _draw_wrong_rate(grid[1], nights, max_wrong_rate)
        _draw_labels(grid[2], nights)
        for axes in grid:
            axes.patch.set_visible(False)
            axes.grid(axis="y")
        for axes in grid[:2]:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return without_styles(out.getvalue())


def without_styles(svg: str) -> str:
    """The same picture with presentation attributes in place of `style` attributes and sheets."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn by us
    for parent in list(root.iter()):
        for sheet in parent.findall(f"{{{_SVG}}}style"):
            parent.remove(sheet)
        for declaration in filter(None, (part.strip() for part in parent.attrib.pop("style", "").split(";"))):
            name, _, value = declaration.partition(":")
            if name == "font":
                parent.attrib |= _font(value)
            else:
                parent.set(name.strip(), value.strip())
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    return ElementTree.tostring(root, encoding="unicode")


def _font(value: str) -> dict[str, str]:
    """`10px "DejaVu Sans", sans-serif` has no attribute of its own: size and family have."""
    size, _, family = value.strip().partition(" ")
    return {"font-size": size, "font-family": family}


def _draw_accuracy(axes: "Axes", nights: Sequence[Night]) -> None:
    _line(axes, nights, _accuracy, color=BLUE, label="right on held-out labels")
    _line(axes, nights, lambda night: night.coverage, color=GREEN, label="answered directly")
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
    kinds: tuple[tuple[str, str, str, Callable[[Night], bool]], ...] = (
        ("promoted", "^", GREEN, lambda night: night.promoted_kind is not None),
        ("refused", "x", AMBER, lambda night: bool(night.refusals)),
        ("failed", "X", RED, lambda night: night.verdict == "failed"),
    )
    for height, (label, marker, color, holds) in zip((1.08, 1.08, 1.03), kinds, strict=True):
        where = [number for number, night in enumerate(nights) if holds(night)]
        (row,) = axes.plot(where, [height] * len(where), marker, color=color, markersize=6, label=label, clip_on=False)
        row.set_in_layout(False)  # without a single mark it would lie at the figure's corner
    axes.legend(ncols=5, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.02), handlelength=1.2)


def _draw_wrong_rate(axes: "Axes", nights: Sequence[Night], max_wrong_rate: float) -> None:
    known = [(n, night) for n, night in enumerate(nights) if night.wrong_low is not None]
    where = [n for n, _ in known]
    low, high = [night.wrong_low or 0.0 for _, night in known], [night.wrong_high or 0.0 for _, night in known]
    axes.fill_between(where, low, high, color=RED, alpha=0.18, linewidth=0)
    _line(axes, nights, lambda night: night.wrong_share, color=RED, label="wrong answers")
    axes.axhline(max_wrong_rate, color=INK, linestyle="--", linewidth=1)
    axes.set_ylim(0, min(1.0, max([2 * max_wrong_rate, *(1.1 * value for value in high)])))
    axes.set_ylabel("wrong answers")


def _draw_labels(axes: "Axes", nights: Sequence[Night]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.fill_between(range(len(nights)), [night.labels for night in nights], color=INK, alpha=0.25, linewidth=0)
    _line(axes, nights, lambda night: night.labels, color=INK, label="labels")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("labels")
    axes.set_xlim(-0.5, max(1, len(nights)) - 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))

    def date(position: float, _: Any) -> str:
        number = round(position)
        return f"{nights[number].finished_at:%d %b}" if 0 <= number < len(nights) else ""

    axes.xaxis.set_major_formatter(FuncFormatter(date))


def _line(
    axes: "Axes", nights: Sequence[Night], value: Callable[[Night], float | None], *, color: str, label: str
) -> None:
    """A line with gaps where there is no value."""
    values = [float("nan") if (found := value(night)) is None else found for night in nights]
    axes.plot(range(len(nights)), values, color=color, label=label, marker="o", markersize=3, linewidth=1.6)


def _accuracy(night: Night) -> float | None:
    return (night.holdout_right or 0) / night.holdout_rows if night.holdout_rows else None
