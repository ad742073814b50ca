"""The curves of a training, drawn as SVG: what was measured on rows held aside."""

from pathlib import Path
from typing import Any

from helpdesk.records.night_report import TrainingCurve, TrainingReport


def draw_training(report: TrainingReport, path: Path) -> None:
    """Draw the curves of a night's trainings, one panel a training; nothing when none was measured."""
    curves = {stage: curve for stage, curve in report.curves.items() if curve.metrics}
    if not curves:
        return
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "helpdesk", "svg.fonttype": "none"}):
        width = 4.2 * len(curves)
        figure = Figure(figsize=(width, 3.4))
        margins = {"left": 0.5 / width, "right": 1 - 0.15 / width, "bottom": 0.15, "top": 0.92, "wspace": 0.05}
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False, gridspec_kw=margins)[0]
        for panel, (stage, curve) in zip(panels, curves.items(), strict=True):
            _draw(panel, stage, curve)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _draw(panel: Any, stage: str, curve: TrainingCurve) -> None:
    for kind, values in curve.metrics.items():
        panel.plot(curve.steps, values, marker="o", markersize=3, label=f"{kind} ({curve.held[kind]} rows)")
    panel.set_title(stage, fontsize=9)
    panel.set_xlabel("steps")
    panel.grid(visible=True, alpha=0.3)
    panel.legend(fontsize=7)
