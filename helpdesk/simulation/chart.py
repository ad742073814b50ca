"""The curves of a simulation as SVG: hidden-test accuracy of every arm, coverage and wrong rate of ours."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.web.staff.night_chart import AMBER, BLUE, GREEN, INK, RED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {"never_retrain": INK, "always_promote": RED, "random_order": AMBER}


def draw_curves(result: dict[str, Any], path: Path) -> None:
    """Draw what `simulate` returned. Raises OSError when the file cannot be written."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    with matplotlib.rc_context({"svg.hashsalt": "helpdesk", "svg.fonttype": "none"}):
        figure = Figure(figsize=(9.2, 5.8), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _draw_accuracy(upper, result)
        _line(lower, result, "coverage", color=GREEN, label="answered directly")
        _line(lower, result, "wrong_rate", color=RED, label="of them wrong")
        lower.set_xlabel("night")
        for axes in (upper, lower):
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
            axes.grid(axis="y", alpha=0.3)
            axes.legend(fontsize=8, frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _draw_accuracy(axes: "Axes", result: dict[str, Any]) -> None:
    for name, arm in result.get("baselines", {}).items():
        _line(axes, arm, "accuracy", color=_COLOURS[name], label=name.replace("_", " "))
    _line(axes, result, "accuracy", color=BLUE, label="right on the hidden test")
    if result["full_data_accuracy"] is not None:
        axes.axhline(result["full_data_accuracy"], color=BLUE, linestyle=":", label="trained on all rows")
    for verdict, marker, color in (("promoted", "^", GREEN), ("kept", "x", AMBER), ("failed", "X", RED)):
        nights = [row for row in result["nights"] if row["verdict"] == verdict and row["accuracy"] is not None]
        where, height = [row["night"] for row in nights], [row["accuracy"] for row in nights]
        axes.plot(where, height, marker, color=color, markersize=5, label=verdict)


def _line(axes: "Axes", arm: dict[str, Any], name: str, *, color: str, label: str) -> None:
    values = [float("nan") if row[name] is None else row[name] for row in arm["nights"]]
    axes.plot([row["night"] for row in arm["nights"]], values, color=color, label=label, linewidth=1.6)
