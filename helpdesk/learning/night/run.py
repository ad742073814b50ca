"""One night: snapshot, two candidates, verdicts, promotion. Whatever fails, what serves goes on serving."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpdesk.errors import BusyError, ConflictError
from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.bundles import retention as upkeep
from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.bundles.retention import BUILDING
from helpdesk.learning.calibration.measurement import Measurement, read_measurement
from helpdesk.learning.calibration.out_of_fold import Progress
from helpdesk.learning.data.dataset import Snapshot, take_snapshot
from helpdesk.learning.gate.context import Judged, Trial, contract_of, open_trial
from helpdesk.learning.gate.evaluation import out_of_fold, read_evaluation
from helpdesk.learning.gate.side_by_side import INCUMBENT, Side, explain
from helpdesk.learning.gate.smoke_checks import examine_encoder
from helpdesk.learning.lineage.exclusion_impact import differences, without_promotion
from helpdesk.learning.night.budget import require_disk, within_memory
from helpdesk.learning.night.candidate_result import Tried, failure_spared, hold, hold_of, tried
from helpdesk.learning.night.history import measure_night, warnings_of, with_warnings, write_failed_night, write_night
from helpdesk.learning.night.lock import Lease, one_night
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.report import NightReport, end_night
from helpdesk.learning.training.train import Tuned, tune
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.progress import Reporter
from helpdesk.records import audit, exclusions, versions
from helpdesk.records.base import now
from helpdesk.records.database import Database
from helpdesk.records.exclusions import rows_left_out
from helpdesk.settings import Settings

LOCK = "retrain.lock"


@dataclass(frozen=True)
class _Night:
    settings: Settings
    database: Database
    plan: Plan
    progress: Progress
    lease: Lease
    hold: str | None = None  # why nothing may be promoted, whatever the gate says

    @property
    def bundles(self) -> Path:
        return self.settings.bundles


def run_night(settings: Settings, database: Database, *, plan: Plan, progress: Reporter) -> NightReport:
    """Build, judge, promote, tell. Raises BusyError when another run holds the lock; on any error nothing changed.

    Every run but a dry one leaves a row in `nights`, a failed one too.
    """
    moment, began = now(), time.monotonic()
    report = NightReport(moment.isoformat(timespec="seconds"), dry_run=plan.dry_run)
    try:
        with one_night(settings.home / LOCK, database) as lease, progress as report_progress:
            watched = within_memory(report_progress, megabytes=settings.train_memory_mb)
            _work(_Night(settings, database, plan, watched, lease), report)
            figures = {} if plan.dry_run else measure_night(settings, database, report.candidates, started=moment)
    except BusyError:
        raise
    except Exception as error:
        report.verdict, report.error = "failed", f"{type(error).__name__}: {error}"
        if not plan.dry_run:
            write_failed_night(database, report.verdicts, started=moment, kind=report.promoted_kind, problem=error)
        end_night(settings, report, seconds=time.monotonic() - began)
        raise
    report.verdict = "kept" if report.promoted is None else "promoted"
    if not plan.dry_run:
        figures = with_warnings(figures, report.warnings)
        write_night(database, report.verdicts, started=moment, kind=report.promoted_kind, figures=figures)
    report.warnings += warnings_of(figures)
    end_night(settings, report, seconds=time.monotonic() - began)
    return report


def _work(night: _Night, report: NightReport) -> None:
    night.bundles.mkdir(parents=True, exist_ok=True)
    upkeep.remove_leftovers(night.bundles, night.database)
    with night.database.read() as session:
        without, review_below = rows_left_out(session, night.plan.without), night.settings.review_below
        again = exclusions.counting_again(session, night.plan.without) if night.plan.without else ()
        share = audit.outside_share(session, since=now() - audit.WINDOW, review_below=review_below)
        snapshot = take_snapshot(session, without=without, again=again, outside_share=share)
        current = versions.current(session)
        held = night.plan.without is None and versions.is_rolled_back(session)
    report.rows, report.holdout = len(snapshot.train), len(snapshot.holdout)
    if held and current is not None:
        night = replace(night, hold=hold_of(current.version_id))
        report.warnings.append(hold_of(current.version_id))
    try:
        if current is None:
            _first(night, snapshot, report)
        else:
            _improve(night, snapshot, current, report)
    finally:
        if not night.lease.is_lost():
            upkeep.remove_leftovers(night.bundles, night.database)


def _first(night: _Night, snapshot: Snapshot, report: NightReport) -> None:
    """The first version just embeds with the base model; there is nothing to compare it with."""
    encoder = _base_encoder(night)
    require_disk(night.bundles, like=encoder)
    built = _build(night, snapshot, kind="first", encoder=encoder, measurement=None, facts={})
    report.candidates["first"] = built.report
    report.verdicts["first"] = {"promote": True, "reasons": ["nothing serves yet"], "blamed": []}
    if not night.plan.dry_run:
        _promote(night, snapshot, built, report)


def _improve(night: _Night, snapshot: Snapshot, current: versions.Current, report: NightReport) -> None:
    """Refreshed and retrained against the incumbent; at most one of them is promoted."""
    report.incumbent = current.version_id
    require_disk(night.bundles, like=night.bundles / current.directory)
    incumbent = open_bundle(night.bundles / current.directory, threads=night.settings.train_threads)
    contract = contract_of(night.settings)
    changed = candidates.is_outdated(incumbent.manifest, snapshot, night.settings, contract=contract)
    tries = changed + night.plan.finetune
    trial = open_trial(
        night.settings, night.database, snapshot, incumbent, current.version_id, without=night.plan.without, tries=tries
    )
    standing, winner = incumbent, None
    sides = [Side(INCUMBENT, trial.outcomes(incumbent), incumbent.manifest.get("report", {}))]
    if changed:
        refreshed = tried(report, sides, "refreshed", lambda: _refresh(night, trial))
        if refreshed is not None and refreshed.promote:
            standing, winner = refreshed.bundle, refreshed.candidate
    if night.plan.finetune:
        with failure_spared(report, "retrained", spared=winner is not None):
            retrained = tried(report, sides, "retrained", lambda: _retrain(night, trial, standing, report))
            winner = retrained.candidate if retrained is not None and retrained.promote else winner
    report.explanation = explain(sides)
    if night.plan.without is not None:
        built = [open_bundle(night.bundles / f"{BUILDING}{kind}") for kind in report.candidates]
        report.difference = differences(
            night.database, night.plan.without, incumbent, candidates=built, snapshot=snapshot
        )
    if winner is not None and not night.plan.dry_run:
        _promote(night, snapshot, winner, report, spared=trial.champions)
    elif night.plan.without is not None and not night.plan.dry_run:
        report.warnings.append(without_promotion(night.database, night.plan.without, rests=changed))
    trial.traffic.vectors.keep(incumbent)


def _refresh(night: _Night, trial: Trial) -> Tried:
    incumbent = trial.incumbent
    measurement = read_measurement(incumbent.path)
    refreshed = _build(
        night,
        trial.snapshot,
        kind="refreshed",
        encoder=incumbent.path / layout.ENCODER,
        measurement=measurement and measurement.extended(trial.snapshot),
        facts={"training": incumbent.manifest.get("training")},
        incumbent=incumbent.path,
    )
    opened = _open(night, refreshed)
    before = trial.outcomes(incumbent)
    side = Side("refreshed", trial.outcomes(opened), refreshed.report, before=before)
    return Tried(refreshed, opened, _ruled(night, trial.refreshed(refreshed, opened)), side)


def _retrain(night: _Night, trial: Trial, standing: Bundle, report: NightReport) -> Tried:
    """A new encoder, judged against what would serve otherwise, both measured on the same parts of the rows."""
    snapshot = trial.snapshot
    tuned = tune(
        night.bundles / f"{BUILDING}encoders",
        snapshot,
        like=read_measurement(standing.path),
        standing=standing.path / layout.ENCODER,
        settings=night.settings,
        minutes=night.plan.minutes,
        max_steps=night.plan.max_steps,
        progress=night.progress,
    )
    report.training = tuned.facts
    examine_encoder(tuned.encoder, snapshot.texts, incumbent=trial.incumbent.encoder)
    retrained = _build(
        night,
        snapshot,
        kind="retrained",
        encoder=tuned.encoder,
        measurement=tuned.measurement,
        facts={"training": tuned.facts},
    )
    before = {**out_of_fold(_measured(night, trial, standing, tuned), snapshot), **trial.held_out(standing)}
    opened = _open(night, retrained)
    against = "refreshed" if report.verdicts.get("refreshed", {}).get("promote") else INCUMBENT
    side = Side("retrained", trial.outcomes(opened), retrained.report, before=before, against=against)
    judged = _ruled(night, trial.retrained(retrained, opened, standing=before))
    return Tried(retrained, opened, judged, side)


def _measured(night: _Night, trial: Trial, standing: Bundle, tuned: Tuned) -> Mapping[str, Sequence[Any]]:
    """Out-of-fold results of what would serve otherwise on the parts that the new encoder is measured on.

    There are none when the split of a small start was outgrown: held-out labels alone compare the two that night.
    """
    like = read_measurement(standing.path)
    if like is None:
        encoder, settings = standing.path / layout.ENCODER, night.settings
        return candidates.measured_alike(
            encoder, trial.snapshot, tuned.measurement, settings=settings, progress=night.progress
        )
    return read_evaluation(standing) if like.parts == tuned.measurement.parts else {}


def _build(
    night: _Night,
    snapshot: Snapshot,
    *,
    kind: str,
    encoder: Path,
    measurement: Measurement | None,
    facts: dict[str, Any],
    incumbent: Path | None = None,
) -> Candidate:
    built = candidates.build(
        night.bundles / f"{BUILDING}{kind}",
        snapshot,
        kind=kind,
        encoder=encoder,
        measurement=measurement,
        settings=night.settings,
        facts=facts | {candidates.CONTRACT: contract_of(night.settings)},
        progress=night.progress,
        incumbent=incumbent,
    )
    if night.plan.spoil is not None:
        night.plan.spoil(built.directory)
    return built


def _ruled(night: _Night, judged: Judged) -> Judged:
    if night.plan.gated:
        return judged if night.hold is None else hold(judged, night.hold)
    return replace(judged, verdict=replace(judged.verdict, promote=True, reasons=("there is no gate",)))


def _open(night: _Night, candidate: Candidate) -> Bundle:
    return open_bundle(candidate.directory, threads=night.settings.train_threads)


def _base_encoder(night: _Night) -> Path:
    from helpdesk.learning.training.base_model import load_base
    from helpdesk.learning.training.onnx_export import save_encoder

    folder = night.bundles / f"{BUILDING}base"
    folder.mkdir(parents=True)
    save_encoder(load_base(night.settings.base_model, threads=night.settings.train_threads), folder)
    return folder


def _promote(
    night: _Night, snapshot: Snapshot, winner: Candidate, report: NightReport, *, spared: Collection[int] = ()
) -> None:
    """Give the bundle its final name, then append version and promotion in one transaction.

    Raises BusyError when another run took the lease over, ConflictError when somebody put another version in service
    meanwhile: the verdict was about the one that served before.
    """
    name = f"{now():%Y%m%dT%H%M%S%f}-{winner.kind}-{snapshot.rows_hash[:8]}"
    layout.publish(winner.directory, night.bundles / name)
    with night.database.write() as session:
        night.lease.confirm(session)
        serving = versions.current(session)
        if serving is not None and serving.version_id != report.incumbent:
            raise ConflictError(f"version {serving.version_id} was put in service while this night ran")
        version = versions.add_version(
            session,
            name,
            kind=winner.kind,
            parent_id=report.incumbent,
            rows_hash=snapshot.rows_hash,
            verdict="promote",
            report=report.as_dict(),
        )
        versions.promote(
            session, version.id, reason="; ".join(report.verdicts[winner.kind]["reasons"])[:200], author="night"
        )
        if night.plan.without is not None:
            exclusions.exclude(session, night.plan.without, author="command line")
    report.promoted, report.promoted_kind = version.id, winner.kind
    upkeep.prune(night.bundles, night.database, spared=spared)
