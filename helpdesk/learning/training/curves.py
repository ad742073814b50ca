"""The curves of a training, drawn as SVG: what was measured on rows held aside, and which weights were kept."""

from pathlib import Path
from typing import Any


def draw_training(facts: dict[str, Any], path: Path) -> None:
    """Draw the `curves` of a training's facts, one panel a training; nothing when none was measured."""
    curves = {stage: curve for stage, curve in facts.get("curves", {}).items() if curve["metrics"]}
    if not curves:
        return
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "helpdesk", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.2 * len(curves), 3.4), layout="constrained")
        panels = figure.subplots(1, len(curves), sharey=True, squeeze=False)[0]
        for panel, (stage, curve) in zip(panels, curves.items(), strict=True):
            _draw(panel, stage, curve)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def curve_lines(facts: dict[str, Any]) -> list[str]:
    """One line a training: each metric at the start and where the weights were kept."""
    lines = []
    for stage, curve in facts.get("curves", {}).items():
        if not curve["metrics"]:
            continue
        at = curve["steps"].index(curve["kept_step"])
        moves = ", ".join(f"{kind} {values[0]} -> {values[at]}" for kind, values in curve["metrics"].items())
        stopped = "" if at == len(curve["steps"]) - 1 else " (over-fitting after that)"
        lines.append(f"{stage}: {moves}, step {curve['kept_step']}{stopped}")
    return lines


def _draw(panel: Any, stage: str, curve: dict[str, Any]) -> None:
    for kind, values in curve["metrics"].items():
        panel.plot(curve["steps"], values, marker="o", markersize=3, label=f"{kind} ({curve['held'][kind]} rows)")
    panel.axvline(curve["kept_step"], color="grey", linestyle=":", label="kept")
    panel.set_title(stage, fontsize=9)
    panel.set_xlabel("steps")
    panel.grid(visible=True, alpha=0.3)
    panel.legend(fontsize=7)
