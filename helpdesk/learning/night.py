"""One night: snapshot, two candidates, verdicts, promotion. Whatever fails, what serves goes on serving."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpdesk.learning import candidates
from helpdesk.learning.candidates import Candidate, Measurement, Progress
from helpdesk.learning.curves import curve_lines, draw_training
from helpdesk.learning.evaluate import held_out, out_of_fold, outcomes, read_evaluation
from helpdesk.learning.gate import Verdict, judge_refreshed, judge_retrained
from helpdesk.learning.lock import single_flight
from helpdesk.learning.snapshot import Snapshot, take_snapshot
from helpdesk.learning.tune import tune
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.progress import Reporter
from helpdesk.records import versions
from helpdesk.records.database import Database
from helpdesk.records.tables import now
from helpdesk.settings import Settings

LOCK = "retrain.lock"
BUILDING = ".building-"
REPORTS = "reports"
KEPT = 3


@dataclass(frozen=True)
class Plan:
    """What tonight may do: `minutes` of fine-tuning, whether to fine-tune at all, whether to promote."""

    minutes: float
    finetune: bool = True
    dry_run: bool = False


@dataclass
class NightReport:
    """What a night did. `promoted` is the new version's id, None when the incumbent stays."""

    started: str
    rows: int
    holdout: int
    incumbent: int | None = None
    promoted: int | None = None
    promoted_kind: str | None = None
    dry_run: bool = False
    verdicts: dict[str, dict[str, Any]] = field(default_factory=dict)
    candidates: dict[str, dict[str, Any]] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

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
        needed = self.candidates.get(self.promoted_kind or "", {}).get("thresholds", {}).get("rows_needed", 0)
        if needed:
            lines.append(f"no direct answers yet: about {needed} surely right phrasings more would allow the first")
        if self.promoted is not None:
            lines.append(f"version {self.promoted} ({self.promoted_kind}) is in service")
        elif self.dry_run:
            lines.append("dry run: nothing was promoted")
        else:
            lines.append(f"version {self.incumbent} stays in service")
        return "\n".join(lines)


@dataclass(frozen=True)
class _Night:
    settings: Settings
    database: Database
    plan: Plan
    progress: Progress

    @property
    def bundles(self) -> Path:
        return self.settings.bundles


def run_night(settings: Settings, database: Database, *, plan: Plan, progress: Reporter) -> NightReport:
    """Build, judge, promote. Raises BusyError when another run holds the lock; on any error nothing changed."""
    started = time.monotonic()
    with single_flight(settings.home / LOCK), progress as report_progress:
        night = _Night(settings, database, plan, report_progress)
        night.bundles.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(night.bundles)
        with database.read() as session:
            snapshot = take_snapshot(session)
            current = versions.current(session)
        report = NightReport(
            now().isoformat(timespec="seconds"), len(snapshot.train), len(snapshot.holdout), dry_run=plan.dry_run
        )
        try:
            if current is None:
                _first(night, snapshot, report)
            else:
                _improve(night, snapshot, current, report)
            report.seconds = round(time.monotonic() - started, 1)
            _write_report(settings.home / REPORTS, report)
        finally:
            _remove_leftovers(night.bundles)
        return report


def _first(night: _Night, snapshot: Snapshot, report: NightReport) -> None:
    """The first version just embeds with the base model; there is nothing to compare it with."""
    with _base_encoder(night) as encoder:
        built = _build(night, snapshot, kind="first", encoder=encoder, measurement=None, facts={})
    report.candidates["first"] = built.report
    report.verdicts["first"] = {"promote": True, "reasons": ["nothing serves yet"], "blamed": []}
    _promote(night, snapshot, built, report)


def _improve(night: _Night, snapshot: Snapshot, current: versions.Current, report: NightReport) -> None:
    """Refreshed and retrained against the incumbent; at most one of them is promoted."""
    report.incumbent = current.version_id
    incumbent = open_bundle(night.bundles / current.directory, threads=night.settings.train_threads)
    standing, winner = incumbent, None
    if incumbent.manifest["rows_hash"] != snapshot.rows_hash:
        refreshed = _refresh(night, snapshot, incumbent)
        opened = _open(night, refreshed)
        verdict = judge_refreshed(
            outcomes(incumbent, snapshot), outcomes(opened, snapshot), known=incumbent.phrasing_ids
        )
        _note(report, refreshed, verdict)
        if verdict.promote:
            standing, winner = opened, refreshed
    if night.plan.finetune:
        retrained, verdict = _retrain(night, snapshot, standing, report)
        _note(report, retrained, verdict)
        winner = retrained if verdict.promote else winner
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
    return retrained, judge_retrained(before, outcomes(_open(night, retrained), snapshot))


def _build(
    night: _Night,
    snapshot: Snapshot,
    *,
    kind: str,
    encoder: Path,
    measurement: Measurement | None,
    facts: dict[str, Any],
) -> Candidate:
    return candidates.build(
        night.bundles / f"{BUILDING}{kind}",
        snapshot,
        kind=kind,
        encoder=encoder,
        measurement=measurement,
        settings=night.settings,
        facts=facts,
        progress=night.progress,
    )


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
    """Give the bundle its final name, then append version and promotion in one transaction."""
    name = f"{now():%Y%m%dT%H%M%S%f}-{winner.kind}-{snapshot.rows_hash[:8]}"
    layout.publish(winner.directory, night.bundles / name)
    with night.database.write() as session:
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
        report.promoted, report.promoted_kind = version.id, winner.kind
    _prune(night)


def _prune(night: _Night) -> None:
    """Remove bundles beyond the newest few that served; never the current or the previous one."""
    with night.database.read() as session:
        served = list(dict.fromkeys(p.version_id for p in versions.list_promotions(session)))
        directories = {version.id: version.directory for version in versions.list_versions(session)}
    for version_id in served[KEPT + 1 :]:
        shutil.rmtree(night.bundles / directories[version_id], ignore_errors=True)


def _remove_leftovers(bundles: Path) -> None:
    for path in bundles.glob(f"{BUILDING}*"):
        shutil.rmtree(path, ignore_errors=True)


def _write_report(folder: Path, report: NightReport) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    name = report.started.replace(":", "").replace("+0000", "Z")
    (folder / f"{name}.json").write_text(json.dumps(report.as_dict(), indent=1, ensure_ascii=False))
    draw_training(report.training, folder / f"{name}-training.svg")
