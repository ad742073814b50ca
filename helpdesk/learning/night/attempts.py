"""Tonight's candidates: built, opened and judged against what serves."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.bundles.retention import BUILDING
from helpdesk.learning.calibration.measurement import Measurement, read_measurement
from helpdesk.learning.calibration.out_of_fold import Progress
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.context import GateContext, contract_of
from helpdesk.learning.gate.evaluation import out_of_fold, read_evaluation
from helpdesk.learning.gate.side_by_side import INCUMBENT, Column
from helpdesk.learning.gate.smoke_checks import examine_encoder
from helpdesk.learning.gate.verdict import Verdict
from helpdesk.learning.night.base_change import CASED, base_before, sees_capitals
from helpdesk.learning.night.candidate_result import CandidateResult
from helpdesk.learning.night.lock import NightLease
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.report import NightLog
from helpdesk.learning.training.rounding import choose_rounding, left_out, round_encoder
from helpdesk.learning.training.train import TAKEN, WANTED, Tuned, tune
from helpdesk.matching import bundle as layout
from helpdesk.matching.bundle import Bundle, open_bundle
from helpdesk.matching.bundle_store import BundleStore, open_store
from helpdesk.records.database import Database
from helpdesk.records.erasure import traces_left
from helpdesk.records.night_report import TrainingReport
from helpdesk.settings import Settings

CUT = "the {minutes:g} minutes of fine-tuning were enough for {taken_steps} of {wanted_steps} steps"
Gate = Callable[[Case], Verdict]
Finish = Callable[[Candidate], None]


@dataclass(frozen=True)
class Tonight:
    """What a run works with; gate: what gives the verdicts, finish: what is done to a candidate once it is sealed."""

    settings: Settings
    database: Database
    plan: Plan
    progress: Progress
    lease: NightLease
    log: NightLog
    gate: Gate
    finish: Finish | None

    @property
    def bundles(self) -> Path:
        return self.settings.bundles

    @property
    def store(self) -> BundleStore:
        return open_store(self.settings)


def refresh(night: Tonight, context: GateContext) -> CandidateResult:
    """The encoder in service over today's phrasings and labels."""
    incumbent = context.incumbent
    refreshed = rebuild(night, context.dataset, incumbent.path, incumbent.manifest)
    opened = _open(night, refreshed)
    column = Column("refreshed", context.outcomes(opened), refreshed.report, before=context.outcomes(incumbent))
    return CandidateResult(refreshed, opened, night.gate(context.refreshed(refreshed, opened)), column)


def rebuild(night: Tonight, dataset: Dataset, incumbent: Path, manifest: Mapping[str, Any]) -> Candidate:
    """A bundle of today's rows around the encoder of another bundle, measured as that one is."""
    measurement = read_measurement(incumbent)
    if measurement is not None:
        with night.database.read() as session:
            measurement = measurement.without(traces_left(session))
    return build(
        night,
        dataset,
        kind="refreshed",
        encoder=incumbent / layout.ENCODER,
        measurement=measurement and measurement.extended(dataset),
        facts={name: manifest.get(name) for name in ("training", "base_model")},
        incumbent=incumbent,
    )


def retrain(night: Tonight, context: GateContext, standing: Bundle) -> CandidateResult:
    """A new encoder, judged against what would serve otherwise, both measured on the same parts of the rows."""
    dataset = context.dataset
    tuned = tune(
        night.bundles / f"{BUILDING}encoders",
        dataset,
        like=read_measurement(standing.path),
        standing=standing.path / layout.ENCODER,
        settings=night.settings,
        minutes=night.plan.minutes,
        max_steps=night.plan.max_steps,
        progress=night.progress,
    )
    night.log.training = TrainingReport.model_validate(tuned.facts)
    if tuned.facts[TAKEN] < tuned.facts[WANTED]:
        night.log.warnings.append(CUT.format(minutes=night.plan.minutes, **tuned.facts))
    if base_before(context.incumbent.manifest, night.settings.base_model) is not None:
        _warn_of_capitals(night, tuned.encoder)
    examine_encoder(tuned.encoder, dataset.texts, incumbent=context.incumbent.encoder)
    retrained = build(
        night,
        dataset,
        kind="retrained",
        encoder=tuned.encoder,
        measurement=tuned.measurement,
        facts={"training": tuned.facts},
    )
    before = {**out_of_fold(_measured(night, context, standing, tuned), dataset), **context.held_out(standing)}
    opened = _open(night, retrained)
    refreshed = night.log.verdicts.get("refreshed")
    against = "refreshed" if refreshed is not None and refreshed.promote else INCUMBENT
    column = Column("retrained", context.outcomes(opened), retrained.report, before=before, against=against)
    verdict = night.gate(context.retrained(retrained, opened, standing=before))
    return CandidateResult(retrained, opened, verdict, column)


def _measured(night: Tonight, context: GateContext, standing: Bundle, tuned: Tuned) -> Mapping[str, Sequence[Any]]:
    """Out-of-fold results of what would serve otherwise on the parts that the new encoder is measured on.

    There are none when the split of a small start was outgrown: held-out labels alone compare the two that night.
    """
    like = read_measurement(standing.path)
    if like is None:
        encoder, settings = standing.path / layout.ENCODER, night.settings
        return candidates.evaluated_alike(
            encoder, context.dataset, tuned.measurement, settings=settings, progress=night.progress
        )
    return read_evaluation(standing) if like.folds == tuned.measurement.folds else {}


def build(
    night: Tonight,
    dataset: Dataset,
    *,
    kind: str,
    encoder: Path,
    measurement: Measurement | None,
    facts: dict[str, Any],
    incumbent: Path | None = None,
) -> Candidate:
    """Build one bundle under the operator\'s error-rate contract."""
    built = candidates.build(
        night.bundles / f"{BUILDING}{kind}",
        dataset,
        kind=kind,
        encoder=encoder,
        measurement=measurement,
        settings=night.settings,
        facts=facts | {candidates.CONTRACT: contract_of(night.settings)},
        progress=night.progress,
        incumbent=incumbent,
    )
    if night.finish is not None:
        night.finish(built)
    return built


def _open(night: Tonight, candidate: Candidate) -> Bundle:
    return open_bundle(candidate.directory, threads=night.settings.train_threads)


def base_encoder(night: Tonight, dataset: Dataset) -> Path:
    """A folder with the base model, not fine-tuned."""
    from helpdesk.learning.training.base_model import load_base
    from helpdesk.learning.training.onnx_export import save_encoder

    folder = night.bundles / f"{BUILDING}base"
    folder.mkdir(parents=True)
    model = load_base(night.settings.base_model, threads=night.settings.train_threads)
    save_encoder(model, folder)
    round_encoder(model, folder, choose_rounding(model, folder, dataset, left_out(dataset)))
    _warn_of_capitals(night, folder)
    return folder


def _warn_of_capitals(night: Tonight, encoder: Path) -> None:
    if sees_capitals(encoder):
        night.log.warnings.append(CASED.format(name=night.settings.base_model))
