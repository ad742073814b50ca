"""Does confidence mean what it says? Expected calibration error, and the diagram that shows it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpdesk.matching.probabilities import Floats

BINS = 15


@dataclass(frozen=True)
class Bin:
    """Rows of similar confidence: how many, their mean confidence, and the share of them that is right."""

    rows: int
    confidence: float
    right: float


def reliability(confidence: Floats, right: NDArray[np.bool_], *, bins: int = BINS) -> list[Bin]:
    """Bins with equally many rows, from low to high confidence."""
    order = np.argsort(confidence, kind="stable")
    return [
        Bin(len(part), float(confidence[part].mean()), float(right[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]


def calibration_error(confidence: Floats, right: NDArray[np.bool_], *, bins: int = BINS) -> float:
    """Expected calibration error over equal-mass bins (Naeini et al. 2015; Nguyen and O'Connor 2015)."""
    found = reliability(confidence, right, bins=bins)
    return sum(b.rows * abs(b.confidence - b.right) for b in found) / max(1, len(confidence))


def draw_reliability(path: Path, confidence: Floats, right: NDArray[np.bool_]) -> None:
    """Write the reliability diagram as SVG; the same input gives the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    found = reliability(confidence, right)
    with matplotlib.rc_context({"svg.hashsalt": "helpdesk", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.5, 4.5))
        axes = figure.subplots(gridspec_kw={"left": 0.14, "right": 0.96, "bottom": 0.12, "top": 0.92})
        axes.plot([0, 1], [0, 1], color="0.7", linewidth=1, label="as it should be")
        axes.plot([b.confidence for b in found], [b.right for b in found], marker="o", label="measured out of fold")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="share that is right")
        error = calibration_error(confidence, right)
        axes.set_title(f"{len(right):,} rows, expected calibration error {error:.3f}", fontsize=10)
        axes.legend(loc="upper left", frameon=False)
        figure.savefig(path, format="svg", metadata={"Date": None})
