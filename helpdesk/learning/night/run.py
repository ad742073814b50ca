"""One night: dataset, two candidates, verdicts, promotion. Whatever fails, what serves goes on serving."""

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from helpdesk.errors import BusyError, ConflictError, UnavailableError
from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.bundles import retention
from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.bundles.retention import BUILDING
from helpdesk.learning.data.dataset import Dataset, read_dataset
from helpdesk.learning.gate.context import contract_of, gather_context, report_of_bundle
from helpdesk.learning.gate.side_by_side import INCUMBENT, Column, explain
from helpdesk.learning.gate.verdict import judge
from helpdesk.learning.installed import require_training
from helpdesk.learning.lineage.exclusion_impact import differences, without_promotion
from helpdesk.learning.night.attempts import Finish, Gate, Tonight, base_encoder, build, rebuild, refresh, retrain
from helpdesk.learning.night.base_change import base_before, on_base_change
from helpdesk.learning.night.budget import require_disk, within_memory
from helpdesk.learning.night.candidate_result import attempt, failure_spared, rollback_objection
from helpdesk.learning.night.erasures import keep_privacy, must_replace, replacing
from helpdesk.learning.night.for_the_desk import prepare_desk
from helpdesk.learning.night.history import (
    Figures,
    complete_history,
    measure_night,
    persistently,
    warnings_of,
)
from helpdesk.learning.night.lock import LOCK, one_night
from helpdesk.learning.night.mending import mend_incumbent
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.report import NightLog, end_night, note_end, note_failure
from helpdesk.learning.night.unfinished import NightMark
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.encoder import TokenLimit
from helpdesk.progress import Reporter
from helpdesk.records import audit, exclusions, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.day_totals import count_days
from helpdesk.records.names import current_names
from helpdesk.records.night_report import NightReport, VerdictReport
from helpdesk.settings import Settings


def run_night(
    settings: Settings,
    database: Database,
    *,
    plan: Plan,
    progress: Reporter,
    gate: Gate = judge,
    finish: Finish | None = None,
) -> NightReport:
    """Build, judge, promote, tell. Raises BusyError when another run holds the lock, UnavailableError where only
    serving is installed; on any error nothing changed.

    Every run but a dry one leaves a row in `nights`, a failed one too. gate: what gives the verdicts; finish: what is
    done to each candidate once it is sealed. Only simulations pass others.
    """
    require_training()
    moment, began = now(), time.monotonic()
    log = NightLog(moment.isoformat(timespec="seconds"), dry_run=plan.dry_run)
    mark = NightMark(settings.home, moment)
    try:
        with one_night(settings.home / LOCK, database) as lease, progress as report_progress:
            watched = within_memory(report_progress, megabytes=settings.train_memory_mb)
            night = Tonight(settings, database, plan, watched, lease, log, gate, finish)
            if not plan.dry_run:
                log.warnings += [*complete_history(settings, database), *mark.begin(database)]
            _work(night)
            figures = _figures(night, moment)
    except BusyError:
        mark.end()
        raise
    except Exception as error:
        log.verdict, log.error = "failed", f"{type(error).__name__}: {error}"
        if not plan.dry_run:
            note_failure(database, log, moment, mark, error)
            log.warnings += keep_privacy(settings, database)
        _end(settings, database, log, began)
        raise
    log.verdict = "kept" if log.promoted is None else "promoted"
    if not plan.dry_run:
        log.warnings += note_end(database, log, moment, mark, figures)
    log.warnings += warnings_of(figures)
    if not plan.dry_run:
        log.warnings += prepare_desk(settings, database, check_data=plan.check_data)
        log.warnings += keep_privacy(settings, database)
    return _end(settings, database, log, began)


def _end(settings: Settings, database: Database, log: NightLog, began: float) -> NightReport:
    log.seconds = round(time.monotonic() - began, 1)
    report = log.report()
    end_night(settings, database, report)
    return report


def _figures(night: Tonight, started: datetime) -> Figures:
    """How what serves now does. Once a version was promoted, a database that went away costs the figures only."""
    if night.plan.dry_run:
        return Figures()

    def measure() -> Figures:
        return measure_night(night.settings, night.database, night.log.candidates, started=started)

    if night.log.promoted is None:
        return measure()
    try:
        return persistently(measure)
    except UnavailableError as error:
        night.log.warnings.append(f"how version {night.log.promoted} does was not measured: {error}")
        return Figures()


def _work(night: Tonight) -> None:
    night.bundles.mkdir(parents=True, exist_ok=True)
    retention.remove_leftovers(night.store, night.database)
    retention.share(night.store)
    if not night.plan.dry_run:
        count_days(night.database)
    with night.database.read() as session:
        without, review_below = exclusions.rows_left_out(session, night.plan.without), night.settings.review_below
        again = exclusions.counting_again(session, night.plan.without) if night.plan.without else ()
        share = audit.out_of_scope_share(session, since=now() - audit.AUDIT_WINDOW, review_below=review_below)
        dataset = read_dataset(session, without=without, again=again, out_of_scope_share=share)
        current = versions.current(session)
        held = night.plan.without is None and versions.is_rolled_back(session)
    night.log.rows, night.log.holdout = len(dataset.train), len(dataset.holdout)
    if held and current is not None:
        night = _held(night, current.version_id)
    erased = current is not None and must_replace(night, current.directory)
    if erased:
        night = replacing(night)
    try:
        if current is not None and not night.plan.dry_run:
            mend_incumbent(night, current)
        if current is None:
            _first(night, dataset)
        elif (older := layout.read_older_manifest(night.bundles / current.directory)) is not None:
            _renew(night, dataset, current, older)
        else:
            _improve(night, dataset, current, erased=erased)
    finally:
        if not night.lease.is_lost():
            retention.remove_leftovers(night.store, night.database)


def _held(night: Tonight, serving: int) -> Tonight:
    """The night while a rollback stands: whatever the gate says, nothing goes live."""
    objection, gate = rollback_objection(serving), night.gate
    night.log.warnings.append(objection.reason)
    return replace(night, gate=lambda case: gate(case).against(objection))


def _first(night: Tonight, dataset: Dataset) -> None:
    """The first version just embeds with the base model; there is nothing to compare it with."""
    encoder = base_encoder(night, dataset)
    require_disk(night.bundles, like=encoder)
    dataset = _shortened(night, dataset, encoder)
    built = build(night, dataset, kind="first", encoder=encoder, measurement=None, facts={})
    night.log.candidates["first"] = built.report
    night.log.verdicts["first"] = VerdictReport(promote=True, reasons=("nothing serves yet",))
    if not night.plan.dry_run:
        _promote(night, dataset, built)


def _shortened(night: Tonight, dataset: Dataset, encoder: Path) -> Dataset:
    """Without texts that are longer than an encoder reads, which the report names."""
    short = dataset.shortened(TokenLimit.of(encoder).is_cut)
    kept = {row.id for row in (*short.train, *short.holdout)}
    cut = [row.id for row in (*dataset.train, *dataset.holdout) if row.id not in kept]
    if cut:
        shown = ", ".join(cut[:5]) + (" ..." if len(cut) > 5 else "")
        night.log.warnings.append(
            f"{len(cut)} text(s) are longer than the encoder reads and are only matched as they stand: {shown}"
        )
    night.log.rows, night.log.holdout = len(short.train), len(short.holdout)
    return short


def _renew(night: Tonight, dataset: Dataset, current: versions.Current, older: Mapping[str, Any]) -> None:
    """What serves was built by an older helpdesk and does not open any more: its encoder stays, the rest is built anew.

    There is nothing to compare it with either.
    """
    night.log.incumbent = current.version_id
    incumbent = night.bundles / current.directory
    require_disk(night.bundles, like=incumbent)
    dataset = _shortened(night, dataset, incumbent / layout.ENCODER)
    built = rebuild(night, dataset, incumbent, older)
    night.log.candidates[built.kind] = built.report
    reason = f"version {current.version_id} is of an older bundle format"
    night.log.verdicts[built.kind] = VerdictReport(promote=True, reasons=(reason,))
    if not night.plan.dry_run:
        _promote(night, dataset, built)


def _improve(night: Tonight, dataset: Dataset, current: versions.Current, *, erased: bool) -> None:
    """Refreshed and retrained against the incumbent; at most one of them is promoted."""
    night.log.incumbent = current.version_id
    require_disk(night.bundles, like=night.bundles / current.directory)
    with night.database.read() as session:
        names = current_names(session)
    incumbent = open_bundle(night.bundles / current.directory, threads=night.settings.train_threads).renamed(names)
    if (before := base_before(incumbent.manifest, night.settings.base_model)) is not None:
        name, finetune = night.settings.base_model, night.plan.finetune
        night.log.warnings.append(on_base_change(before, name, version=current.version_id, finetune=finetune))
    dataset = _shortened(night, dataset, incumbent.path / layout.ENCODER)
    contract = contract_of(night.settings)
    changed = erased or candidates.is_outdated(incumbent.manifest, dataset, night.settings, contract=contract)
    tries = changed + night.plan.finetune
    context = gather_context(
        night.settings, night.database, dataset, incumbent, current.version_id, without=night.plan.without, tries=tries
    )
    standing, winner = incumbent, None
    night.log.columns.append(Column(INCUMBENT, context.outcomes(incumbent), report_of_bundle(incumbent)))
    if changed:
        refreshed = attempt(night.log, "refreshed", lambda: refresh(night, context))
        if refreshed is not None and refreshed.verdict.promote:
            standing, winner = refreshed.bundle, refreshed.candidate
    if night.plan.finetune:
        with failure_spared(night.log, "retrained", spared=winner is not None):
            retrained = attempt(night.log, "retrained", lambda: retrain(night, context, standing))
            winner = retrained.candidate if retrained is not None and retrained.verdict.promote else winner
    night.log.explanation = explain(night.log.columns)
    if night.plan.without is not None:
        built = [open_bundle(night.bundles / f"{BUILDING}{kind}") for kind in night.log.candidates]
        night.log.impact = differences(night.database, night.plan.without, incumbent, candidates=built, dataset=dataset)
    if winner is not None and not night.plan.dry_run:
        _promote(night, dataset, winner, spared=context.best_versions)
    elif night.plan.without is not None and not night.plan.dry_run:
        night.log.warnings.append(without_promotion(night.database, night.plan.without, rests=changed))
    context.traffic.vectors.keep(incumbent)


def _promote(night: Tonight, dataset: Dataset, winner: Candidate, *, spared: Collection[int] = ()) -> None:
    """Give the bundle its final name, in the store of all hosts first, then append version and promotion in one
    transaction.

    Raises BusyError when another run took the lease over, ConflictError when somebody put another version in service
    meanwhile: the verdict was about the one that served before.
    """
    name = f"{now():%Y%m%dT%H%M%S%f}-{winner.kind}-{dataset.rows_hash[:8]}"
    night.store.publish(winner.directory, name)
    layout.publish(winner.directory, night.bundles / name)
    try:
        version = _append(night, dataset, winner, name)
    except UnavailableError:  # the answer to the commit may be what was lost
        found = persistently(lambda: _appended(night.database, name))
        if found is None:
            raise
        version = found
    night.log.promoted, night.log.promoted_kind = version, winner.kind
    retention.prune(night.store, night.database, spared=spared)


def _append(night: Tonight, dataset: Dataset, winner: Candidate, name: str) -> int:
    log = night.log
    with night.database.write() as session:
        night.lease.confirm(session)
        serving = versions.current(session)
        if serving is not None and serving.version_id != log.incumbent:
            raise ConflictError(f"version {serving.version_id} was put in service while this night ran")
        version = versions.add_version(
            session,
            name,
            kind=winner.kind,
            parent_id=log.incumbent,
            rows_hash=dataset.rows_hash,
            verdict="promote",
            report=log.report().as_json(),
        )
        reason = "; ".join(log.verdicts[winner.kind].reasons)[:200]
        versions.promote(session, version.id, reason=reason, author=versions.NIGHT_AUTHOR)
        if night.plan.without is not None:
            exclusions.exclude(session, night.plan.without, author="command line")
        return version.id


def _appended(database: Database, name: str) -> int | None:
    with database.read() as session:
        return versions.find_directory(session, name)
