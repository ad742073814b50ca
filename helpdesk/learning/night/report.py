"""What a night did, gathered while it runs; then stored, and told to whoever wants to know."""

import logging
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path

from helpdesk.errors import UnavailableError
from helpdesk.learning.gate.side_by_side import Column
from helpdesk.learning.night.history import Figures, write_failed_night, write_night
from helpdesk.learning.night.notify import notify
from helpdesk.learning.night.unfinished import NightMark
from helpdesk.learning.training.curves import draw_training
from helpdesk.records import nights
from helpdesk.records.candidate_report import CandidateReport
from helpdesk.records.database import Database
from helpdesk.records.files.reports import write_report
from helpdesk.records.night_report import (
    SCHEMA_VERSION,
    ExclusionImpact,
    Explanation,
    NightReport,
    TrainingReport,
    VerdictReport,
)
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
_TOLD = {"verdict", "started", "seconds", "rows", "incumbent", "promoted"}


@dataclass
class NightLog:
    """The report of a night while it runs: the fields of `NightReport`; columns: the versions it compares."""

    started: str
    rows: int = 0
    holdout: int = 0
    incumbent: int | None = None
    promoted: int | None = None
    promoted_kind: str | None = None
    dry_run: bool = False
    verdicts: dict[str, VerdictReport] = field(default_factory=dict)
    candidates: dict[str, CandidateReport] = field(default_factory=dict)
    training: TrainingReport = field(default_factory=TrainingReport)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0
    verdict: str = "kept"
    error: str | None = None
    impact: ExclusionImpact | None = None
    explanation: Explanation | None = None
    columns: list[Column] = field(default_factory=list)

    def report(self) -> NightReport:
        """What is known by now."""
        facts = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "columns"}
        return NightReport.model_validate(facts | {"schema_version": SCHEMA_VERSION})


def end_night(settings: Settings, database: Database, report: NightReport) -> None:
    """Leave the report and, unless it was a dry run, tell who wants to know. Neither can fail the night."""
    try:
        path = write_report(settings.home, report)
        draw_training(report.training, _curve_file(path))
    except OSError as error:
        log.error("the night's report was not written: %s", error)
    if not report.dry_run:
        try:
            with database.write() as session:
                nights.keep_report(session, report)
        except UnavailableError as error:
            log.error("other hosts do not see the night's report: %s", error)
        notify(settings, {"summary": report.summary(), **report.model_dump(include=_TOLD)})


def note_end(database: Database, log: NightLog, moment: datetime, mark: NightMark, figures: Figures) -> list[str]:
    """Append the row of a night that began at a moment and came to its end. Returns what else must be told."""
    missing = write_night(
        database,
        log.verdicts,
        started=moment,
        kind=log.promoted_kind,
        promoted=log.promoted,
        figures=figures,
        warnings=log.warnings,
    )
    mark.end("; ".join(missing) or None)
    return missing


def note_failure(database: Database, log: NightLog, moment: datetime, mark: NightMark, error: Exception) -> None:
    """Append the row of a night that broke off, or leave its mark to the next one."""
    noted = write_failed_night(
        database, log.verdicts, started=moment, kind=log.promoted_kind, promoted=log.promoted, problem=error
    )
    mark.end(None if noted else log.error)


def _curve_file(report: Path) -> Path:
    return report.with_name(f"{report.stem}-training.svg")
