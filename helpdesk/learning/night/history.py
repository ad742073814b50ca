"""The row that every night leaves behind, whatever came of it."""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from helpdesk.errors import UnavailableError
from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.evaluation import held_out
from helpdesk.learning.monitoring import drift
from helpdesk.matching.bundle import open_bundle
from helpdesk.records import audit, flips, labels, nights, traffic, versions
from helpdesk.records.candidate_report import CandidateReport
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.files.reports import report_file, write_report
from helpdesk.records.names import current_names
from helpdesk.records.night_report import FlipReport, NightReport, VerdictReport
from helpdesk.records.relabel_requests import FIGURE
from helpdesk.records.tables import Promotion, Version
from helpdesk.settings import Settings
from helpdesk.stats import audit_estimates

log = logging.getLogger(__name__)
REASON = 500
RETRY_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)  # seconds between tries of what must be stored after a promotion
Verdicts = Mapping[str, VerdictReport]
T = TypeVar("T")


@dataclass(frozen=True)
class Figures:
    """How the version that serves after a night does: columns of `nights`, and `figures` that are stored as JSON.

    Shares are None when there was nothing to measure them on.
    """

    holdout_rows: int | None = None
    holdout_right: int | None = None
    coverage: float | None = None
    wrong_share: float | None = None
    wrong_low: float | None = None
    wrong_high: float | None = None
    figures: dict[str, Any] = field(default_factory=dict)


def persistently(action: Callable[[], T]) -> T:
    """Do it, again after each pause while the database does not answer. Raises UnavailableError in the end."""
    for pause in RETRY_PAUSES:
        try:
            return action()
        except UnavailableError as error:
            log.warning("tried again in %g s: %s", pause, error)
            time.sleep(pause)
    return action()


def measure_night(
    settings: Settings, database: Database, candidates: Mapping[str, CandidateReport], *, started: datetime
) -> Figures:
    """Figures of the version that serves after the night.

    Accuracy is that on the held-out labels, the exact path bypassed. Coverage and new labels are those between the
    last measured night's start and this one's: what comes in while a night runs is the next one's. The wrong-answer
    rate is estimated from the month's audit sample. `candidates` are the reports of what was built: the labels that one
    of them, or else the version in service, contradicted get a relabel request.
    """
    moment = now()
    with database.read() as session:
        serving = versions.current(session)
        if serving is None:
            return Figures()
        bundle = open_bundle(settings.bundles / serving.directory, threads=settings.train_threads)
        bundle = bundle.renamed(current_names(session))
        dataset = read_dataset(session)
        since = nights.measured_until(session)
        sample = audit.read_sample(session, since=moment - audit.AUDIT_WINDOW, review_below=settings.review_below)
        coverage = traffic.count_outcomes(session, since=since, until=started).coverage
        scored = nights.score_new_labels(session, since=since, until=started)
        month = drift.read_month(session, moment=moment)
    wrong = audit_estimates.wrong_answers(sample)
    outcomes = held_out(bundle, dataset).values()
    reports = list(candidates.values()) or [CandidateReport.model_validate(bundle.manifest["report"])]
    return Figures(
        holdout_rows=len(outcomes),
        holdout_right=sum(outcome.right for outcome in outcomes),
        coverage=coverage,
        wrong_share=wrong.share,
        wrong_low=wrong.low,
        wrong_high=wrong.high,
        figures={
            "wrong_answers": wrong.as_dict(),
            "new_labels": vars(scored),
            "drift": drift.describe(month, sample, bundle),
            FIGURE: sorted({row for report in reports for row in report.relabel_requests}),
            "quarantine": [str(group) for group in dataset.quarantine],
        },
    )


def warnings_of(figures: Figures) -> list[str]:
    """What staff should look at, in words."""
    found = figures.figures
    return [*found.get("quarantine", ()), *found.get("drift", {}).get("warnings", ())]


def write_night(
    database: Database,
    verdicts: Verdicts,
    *,
    started: datetime,
    kind: str | None,
    promoted: int | None,
    figures: Figures,
    warnings: Collection[str],
) -> list[str]:
    """Append the row of a night that came to its end; `kind` and `promoted` are kind and id of the version that it put
    in service, None for none.

    What that candidate, or the one that came nearest, would decide otherwise heads the queue from now on. Returns what
    else must be told: that no row could be written; the next run adds that of a night that promoted a version.
    """
    columns = asdict(figures)
    columns["figures"] |= {"warnings": list(warnings)}
    row = _row(verdicts, started=started, kind=kind, reason=_reason(verdicts, kind)) | columns
    try:
        persistently(lambda: _append(database, row, flips.flips_of(verdicts, kind), promoted=promoted))
    except UnavailableError as error:
        log.error("the night could not be noted: %s", error)
        return [f"this night has no row in `nights`: {error}" + ("; the next run adds it" if kind else "")]
    return []


def write_failed_night(
    database: Database,
    verdicts: Verdicts,
    *,
    started: datetime,
    kind: str | None,
    promoted: int | None,
    problem: Exception,
) -> bool:
    """Append the row of a night that broke off; whether that could be done. If not it is logged: `problem` is what must
    be told."""
    row = _row(verdicts, started=started, kind=kind, reason=f"{type(problem).__name__}: {problem}")
    try:
        _append(database, row | {"verdict": "failed"}, None, promoted=promoted)
    except UnavailableError as error:
        log.error("the failed night could not be noted: %s", error)
        return False
    except Exception:
        log.exception("the failed night could not be noted")
        return False
    return True


def complete_history(settings: Settings, database: Database) -> list[str]:
    """Add what nights left out that promoted a version and then lost the database or were killed: row and report.

    Returns what was missing, in words.
    """
    with database.write() as session:
        return [_complete(settings, session, version, promotion) for version, promotion in nights.unrecorded(session)]


def _complete(settings: Settings, session: Session, version: Version, promotion: Promotion) -> str:
    stored = NightReport.model_validate(version.report)
    report = stored.model_copy(update={"verdict": "promoted", "promoted": version.id, "promoted_kind": version.kind})
    started = datetime.fromisoformat(report.started)
    row = _row(report.verdicts, started=started, kind=version.kind, reason=_reason(report.verdicts, version.kind))
    flips.store(session, started, flips.flips_of(report.verdicts, version.kind))
    labelled = labels.labels_since(session, None)
    figures = {"warnings": list(report.warnings)}
    facts = {"finished_at": promotion.created_at, "version_id": version.id, "labels": labelled, "figures": figures}
    nights.add_night(session, **row | facts, report=report.as_json())
    if not report_file(settings.home, report.started).exists():
        write_report(settings.home, report)
    return f"the night of {report.started} put version {version.id} in service and left no row and report: added now"


def _reason(verdicts: Verdicts, kind: str | None) -> str:
    told = [f"{name}: {'; '.join(verdict.reasons)}" for name, verdict in verdicts.items() if kind in (None, name)]
    return ". ".join(told) or "nothing new to learn"


def _row(verdicts: Verdicts, *, started: datetime, kind: str | None, reason: str) -> dict[str, Any]:
    refusals = {name: list(found.reasons) for name, found in verdicts.items() if not found.promote}
    return {
        "started_at": started,
        "verdict": "promoted" if kind else "kept",
        "reason": reason[:REASON],
        "promoted_kind": kind,
        "refusals": refusals,
    }


def _append(
    database: Database, row: dict[str, Any], changed: Sequence[FlipReport] | None, *, promoted: int | None
) -> None:
    """The version is the promoted one, whatever was put in service by hand since; else the one that serves."""
    with database.write() as session:
        if changed is not None:
            flips.store(session, row["started_at"], changed)
        serving = versions.current(session)
        facts = {
            "version_id": promoted or (serving.version_id if serving else None),
            "labels": labels.labels_since(session, None),
        }
        nights.add_night(session, **{"figures": {}} | row | facts, finished_at=now())
