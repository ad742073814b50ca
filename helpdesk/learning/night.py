"""One night: snapshot, two candidates, verdicts, promotion. Whatever fails, what serves goes on serving."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpdesk.errors import BusyError, ConflictError
from helpdesk.learning import candidates, upkeep
from helpdesk.learning.budget import require_disk, within_memory
from helpdesk.learning.candidates import Candidate
from helpdesk.learning.chronicle import measure_night, warnings_of, write_failed_night, write_night
from helpdesk.learning.difference import differences, rows_left_out
from helpdesk.learning.evaluate import held_out, out_of_fold, outcomes, read_evaluation
from helpdesk.learning.fairness import refuse_unfair
from helpdesk.learning.gate import Verdict, judge_refreshed, judge_retrained
from helpdesk.learning.lock import Lease, one_night
from helpdesk.learning.measuring import Measurement, Progress
from helpdesk.learning.report import NightReport, end_night
from helpdesk.learning.snapshot import Snapshot, take_snapshot
from helpdesk.learning.tune import tune
from helpdesk.learning.upkeep import BUILDING
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.progress import Reporter
from helpdesk.records import exclusions, versions
from helpdesk.records.base import now
from helpdesk.records.database import Database
from helpdesk.records.exclusions import Exclusion
from helpdesk.settings import Settings

LOCK = "retrain.lock"


@dataclass(frozen=True)
class Plan:
    """What tonight may do: `minutes` of fine-tuning, whether to fine-tune at all, whether to promote.

    max_steps bounds each training whatever the machine's speed; `without` leaves a source's rows out. For simulations:
    without the gate whatever was built is promoted, and `spoil` is let loose on every candidate's folder.
    """

    minutes: float
    finetune: bool = True
    dry_run: bool = False
    max_steps: int | None = None
    without: Exclusion | None = None
    gated: bool = True
    spoil: Callable[[Path], None] | None = None


@dataclass(frozen=True)
class _Night:
    settings: Settings
    database: Database
    plan: Plan
    progress: Progress
    lease: Lease

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
            figures = {} if plan.dry_run else measure_night(settings, database)
    except BusyError:
        raise
    except Exception as error:
        report.verdict, report.error = "failed", f"{type(error).__name__}: {error}"
        if not plan.dry_run:
            write_failed_night(database, report.verdicts, started=moment, kind=report.promoted_kind, problem=error)
        end_night(settings, report, seconds=time.monotonic() - began)
        raise
    report.verdict, report.warnings = "kept" if report.promoted is None else "promoted", warnings_of(figures)
    if not plan.dry_run:
        write_night(database, report.verdicts, started=moment, kind=report.promoted_kind, figures=figures)
    end_night(settings, report, seconds=time.monotonic() - began)
    return report


def _work(night: _Night, report: NightReport) -> None:
    night.bundles.mkdir(parents=True, exist_ok=True)
    upkeep.remove_leftovers(night.bundles, night.database)
    with night.database.read() as session:
        snapshot = take_snapshot(session, without=rows_left_out(session, night.plan.without))
        current = versions.current(session)
    report.rows, report.holdout = len(snapshot.train), len(snapshot.holdout)
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
    with _base_encoder(night) as encoder:
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
    standing, winner = incumbent, None
    if incumbent.manifest["rows_hash"] != snapshot.rows_hash:
        refreshed = _refresh(night, snapshot, incumbent)
        opened = _open(night, refreshed)
        verdict = judge_refreshed(
            outcomes(incumbent, snapshot), outcomes(opened, snapshot), known=incumbent.phrasing_ids
        )
        verdict = refuse_unfair(verdict, refreshed.report["fairness"], night.settings.fairness_max_gap)
        verdict = _ruled(night, verdict)
        _note(report, refreshed, verdict)
        if verdict.promote:
            standing, winner = opened, refreshed
    if night.plan.finetune:
        retrained, verdict = _retrain(night, snapshot, standing, report)
        _note(report, retrained, verdict)
        winner = retrained if verdict.promote else winner
    if night.plan.without is not None:
        built = [open_bundle(night.bundles / f"{BUILDING}{kind}") for kind in report.candidates]
        report.difference = differences(
            night.database, night.plan.without, incumbent, candidates=built, snapshot=snapshot
        )
    if winner is not None and not night.plan.dry_run:
        _promote(night, snapshot, winner, report)


def _refresh(night: _Night, snapshot: Snapshot, incumbent: Bundle) -> Candidate:
    measurement = candidates.read_measurement(incumbent.path)
    return _build(
        night,
        snapshot,
        kind="refreshed",
        encoder=incumbent.path / layout.ENCODER,
        measurement=measurement and measurement.extended(snapshot),
        facts={"training": incumbent.manifest.get("training")},
        incumbent=incumbent.path,
    )


def _retrain(night: _Night, snapshot: Snapshot, standing: Bundle, report: NightReport) -> tuple[Candidate, Verdict]:
    """A new encoder, judged against what would serve otherwise, both measured on the same parts of the rows."""
    like = candidates.read_measurement(standing.path)
    tuned = tune(
        night.bundles / f"{BUILDING}encoders",
        snapshot,
        like=like,
        settings=night.settings,
        minutes=night.plan.minutes,
        max_steps=night.plan.max_steps,
        progress=night.progress,
    )
    report.training = tuned.facts
    retrained = _build(
        night,
        snapshot,
        kind="retrained",
        encoder=tuned.encoder,
        measurement=tuned.measurement,
        facts={"training": tuned.facts},
    )
    known = read_evaluation(standing)
    if like is None:
        encoder = standing.path / layout.ENCODER
        known = candidates.measured_alike(
            encoder, snapshot, tuned.measurement, settings=night.settings, progress=night.progress
        )
    before = out_of_fold(known, snapshot) | held_out(standing, snapshot)
    verdict = judge_retrained(before, outcomes(_open(night, retrained), snapshot))
    verdict = refuse_unfair(verdict, retrained.report["fairness"], night.settings.fairness_max_gap)
    return retrained, _ruled(night, verdict)


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
        facts=facts,
        progress=night.progress,
        incumbent=incumbent,
    )
    if night.plan.spoil is not None:
        night.plan.spoil(built.directory)
    return built


def _ruled(night: _Night, verdict: Verdict) -> Verdict:
    return verdict if night.plan.gated else replace(verdict, promote=True, reasons=("there is no gate",))


def _open(night: _Night, candidate: Candidate) -> Bundle:
    return open_bundle(candidate.directory, threads=night.settings.train_threads)


@contextmanager
def _base_encoder(night: _Night) -> Iterator[Path]:
    from helpdesk.learning.base import load_base
    from helpdesk.learning.export import save_encoder

    folder = night.bundles / f"{BUILDING}base"
    folder.mkdir(parents=True)
    save_encoder(load_base(night.settings.base_model, threads=night.settings.train_threads), folder)
    yield folder


def _note(report: NightReport, candidate: Candidate, verdict: Verdict) -> None:
    report.candidates[candidate.kind] = candidate.report
    report.verdicts[candidate.kind] = {
        "promote": verdict.promote,
        "reasons": list(verdict.reasons),
        "blamed": list(verdict.blamed),
        "comparison": verdict.comparison.summary(),
    }


def _promote(night: _Night, snapshot: Snapshot, winner: Candidate, report: NightReport) -> None:
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
    upkeep.prune(night.bundles, night.database)
