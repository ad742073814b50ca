"""The row that every night leaves behind, whatever came of it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from helpdesk.learning.data.dataset import take_snapshot
from helpdesk.learning.gate.evaluation import held_out
from helpdesk.learning.monitoring import drift
from helpdesk.matching.bundle import open_bundle
from helpdesk.records import audit, flips, labels, nights, traffic, versions
from helpdesk.records.base import now
from helpdesk.records.database import Database
from helpdesk.records.relabel_requests import FIGURE
from helpdesk.settings import Settings
from helpdesk.stats import audit_estimates as estimates

log = logging.getLogger(__name__)
REASON = 500
Verdicts = Mapping[str, Mapping[str, Any]]


def measure_night(
    settings: Settings, database: Database, candidates: Mapping[str, Mapping[str, Any]], *, started: datetime
) -> dict[str, Any]:
    """How the version that serves after the night does: the columns of `nights` that are figures.

    Accuracy is that on the held-out labels, the exact path bypassed. Coverage and new labels are those between the
    last measured night's start and this one's: what comes in while a night runs is the next one's. The wrong-answer
    rate is estimated from the month's audit sample. `candidates` are the reports of what was built: the labels that one
    of them, or else the version in service, contradicted wait for a second look.
    """
    moment = now()
    with database.read() as session:
        serving = versions.current(session)
        if serving is None:
            return {}
        bundle = open_bundle(settings.bundles / serving.directory, threads=settings.train_threads)
        snapshot = take_snapshot(session)
        since = nights.measured_until(session)
        sample = audit.read_sample(session, since=moment - audit.WINDOW, review_below=settings.review_below)
        coverage = traffic.count_outcomes(session, since=since, until=started).coverage
        scored = nights.score_new_labels(session, since=since, until=started)
        month = drift.read_month(session, moment=moment)
    wrong = estimates.wrong_answers(sample)
    outcomes = held_out(bundle, snapshot).values()
    return {
        "holdout_rows": len(outcomes),
        "holdout_right": sum(outcome.right for outcome in outcomes),
        "coverage": coverage,
        "wrong_share": wrong.share,
        "wrong_low": wrong.low,
        "wrong_high": wrong.high,
        "figures": {
            "wrong_answers": wrong.as_dict(),
            "new_labels": vars(scored),
            "drift": drift.describe(month, sample, bundle),
            FIGURE: _second_looks(list(candidates.values()) or [bundle.manifest["report"]]),
            "held_back": [str(group) for group in snapshot.held_back],
        },
    }


def _second_looks(reports: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted({row for report in reports for row in report.get(FIGURE, ())})


def warnings_of(figures: Mapping[str, Any]) -> list[str]:
    """What staff should look at, in words."""
    found = figures.get("figures", {})
    return [*found.get("held_back", ()), *found.get("drift", {}).get("warnings", ())]


def with_warnings(figures: Mapping[str, Any], warnings: Sequence[str]) -> dict[str, Any]:
    """The columns of a night with what it must tell staff beside its figures."""
    return {**figures, "figures": {**figures.get("figures", {}), "warnings": list(warnings)}}


def write_night(
    database: Database,
    verdicts: Verdicts,
    *,
    started: datetime,
    kind: str | None,
    figures: Mapping[str, Any],
) -> None:
    """Append the row of a night that came to its end; `kind` is that of the candidate it promoted, None for none.

    What that candidate, or the one that came nearest, would decide otherwise heads the queue from now on.
    """
    told = [f"{name}: {'; '.join(verdict['reasons'])}" for name, verdict in verdicts.items() if kind in (None, name)]
    reason = ". ".join(told) or "nothing new to learn"
    _append(
        database,
        verdicts,
        started=started,
        kind=kind,
        verdict="promoted" if kind else "kept",
        reason=reason,
        changed=flips.flips_of(verdicts, kind),
        **figures,
    )


def write_failed_night(
    database: Database, verdicts: Verdicts, *, started: datetime, kind: str | None, problem: Exception
) -> None:
    """Append the row of a night that broke off. If that fails too it is logged: `problem` is what must be told."""
    reason = f"{type(problem).__name__}: {problem}"
    try:
        _append(database, verdicts, started=started, kind=kind, verdict="failed", reason=reason)
    except Exception:
        log.exception("the failed night could not be noted")


def _append(
    database: Database,
    verdicts: Verdicts,
    *,
    started: datetime,
    kind: str | None,
    verdict: str,
    reason: str,
    figures: Mapping[str, Any] | None = None,
    changed: Sequence[flips.Flip] | None = None,
    **columns: Any,
) -> None:
    refusals = {name: found["reasons"] for name, found in verdicts.items() if not found["promote"]}
    with database.write() as session:
        if changed is not None:
            flips.store(session, started, changed)
        serving = versions.current(session)
        nights.add_night(
            session,
            started_at=started,
            finished_at=now(),
            verdict=verdict,
            reason=reason[:REASON],
            version_id=serving.version_id if serving else None,
            promoted_kind=kind,
            refusals=refusals,
            labels=labels.labels_since(session, None),
            figures=dict(figures or {}),
            **columns,
        )
