"""What a night did, for people, for programs, and for whoever wants to be told."""

import logging
from dataclasses import dataclass, field
from typing import Any

from helpdesk.learning.night.notify import notify
from helpdesk.learning.training.curves import curve_lines, draw_training
from helpdesk.records.files.reports import write_report
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
_TOLD = ("verdict", "started", "seconds", "rows", "incumbent", "promoted")


@dataclass
class NightReport:
    """What a night did. `promoted` is the new version's id, None when the incumbent stays.

    verdict: `promoted`, `kept` or `failed`, then with the error; difference: what leaving rows out would change;
    explanation: the versions side by side (`explain.py`).
    """

    started: str
    rows: int = 0
    holdout: int = 0
    incumbent: int | None = None
    promoted: int | None = None
    promoted_kind: str | None = None
    dry_run: bool = False
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    candidates: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    verdict: str = "kept"
    error: str | None = None
    difference: dict[str, Any] | None = None
    explanation: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return dict(vars(self))

    def as_text(self) -> str:
        """For people."""
        lines = [f"learnt from {self.rows:,} rows, {self.holdout} held-out labels, {self.seconds:.0f} s"]
        for kind, verdict in self.verdicts.items():
            word = "promote" if verdict["promote"] else "refuse"
            lines.append(f"{kind}: {word}: {'; '.join(verdict['reasons'])}")
            if verdict["blamed"]:
                lines.append(f"  the labels to look at: {', '.join(verdict['blamed'])}")
        lines += curve_lines(self.training)
        lines += [f"warning: {warning}" for warning in self.warnings]
        needed = self.candidates.get(self.promoted_kind or "", {}).get("thresholds", {}).get("rows_needed", 0)
        if needed:
            lines.append(f"no direct answers yet: about {needed} surely right phrasings more would allow the first")
        if self.error is not None:
            done = f"version {self.promoted} is in service" if self.promoted else "nothing was promoted"
            lines.append(f"failed, {done}: {self.error}")
        elif self.promoted is not None:
            lines.append(f"version {self.promoted} ({self.promoted_kind}) is in service")
        elif self.dry_run:
            lines.append("dry run: nothing was promoted")
        else:
            lines.append(f"version {self.incumbent} stays in service")
        return "\n".join(lines)

    def summary(self) -> str:
        """For people, in one paragraph."""
        return f"{self.verdict.capitalize()}. " + ". ".join(line.strip() for line in self.as_text().splitlines()) + "."


def end_night(settings: Settings, report: NightReport, *, seconds: float) -> None:
    """Leave the report and, unless it was a dry run, tell who wants to know. Neither can fail the night."""
    report.seconds = round(seconds, 1)
    try:
        path = write_report(settings.home, report.as_dict())
        draw_training(report.training, path.with_name(f"{path.stem}-training.svg"))
    except OSError as error:
        log.error("the night's report was not written: %s", error)
    if not report.dry_run:
        notify(settings, {"summary": report.summary(), **{name: getattr(report, name) for name in _TOLD}})
