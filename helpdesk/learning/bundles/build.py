"""Build a candidate bundle: encode, measure out of fold, fit scorer and thresholds, write, seal."""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from helpdesk.learning.calibration.embedding_cache import open_recalling, remember
from helpdesk.learning.calibration.measurement import ASSIGNMENT, FOLDS, Measurement
from helpdesk.learning.calibration.out_of_fold import (
    Progress,
    contradicted,
    fit,
    fit_limits,
    like_traffic,
    outside_texts,
    stage,
)
from helpdesk.learning.calibration.reliability import draw_reliability
from helpdesk.learning.calibration.risk_control import FittedThresholds
from helpdesk.learning.calibration.scorer_fit import FittedScorer
from helpdesk.learning.calibration.unfamiliar import unfamiliar_below
from helpdesk.learning.data.dataset import Snapshot
from helpdesk.learning.robustness.exam import set_exam
from helpdesk.learning.robustness.measure import exam_size, measure_robustness
from helpdesk.learning.training.onnx_export import link_encoder
from helpdesk.matching import bundle as layout
from helpdesk.matching.index import Vectors, build_graph
from helpdesk.records.candidate_report import CandidateReport, ScorerReport, ThresholdsReport
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key

CONTRACT = "contract"
FRESH = "fresh"
CLARIFY = "clarify_level"


@dataclass(frozen=True)
class Candidate:
    """A sealed bundle that is not in service, and the report of its build."""

    kind: str
    directory: Path
    report: CandidateReport


def build(
    building: Path,
    snapshot: Snapshot,
    *,
    kind: str,
    encoder: Path,
    measurement: Measurement | None,
    settings: Settings,
    facts: dict[str, Any],
    progress: Progress,
    incumbent: Path | None = None,
) -> Candidate:
    """Write and seal one bundle in the folder `building`, around an encoder folder whose files are linked.

    Vectors in the embedding cache of the sealed bundle `incumbent` are reused.
    """
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    link_encoder(encoder, building / layout.ENCODER)
    folders = (building / layout.ENCODER, *(measurement.encoders if measurement else ()))
    live, *sisters = (open_recalling(f, threads=settings.train_threads, incumbent=incumbent) for f in folders)
    vectors = live.encode(snapshot.texts, progress=stage(progress, f"{kind}: encoding"))
    fitted, folds = fit(snapshot, live, vectors, measurement, settings, sisters=sisters, progress=progress)
    limits = fit_limits(fitted, snapshot, settings)
    exam = set_exam(
        snapshot,
        fitted,
        folds,
        vectors=vectors,
        encoders=[live.encode, *((sisters[fold.part] if sisters else live).encode for fold in folds)],
        thresholds=limits.thresholds,
        size=exam_size(len(snapshot.train)),
        seed=settings.seed,
    )
    robustness = measure_robustness(exam, snapshot, seed=settings.seed)
    _write_json(building / layout.ROBUSTNESS, robustness.as_dict())
    again = contradicted(fitted.out_of_fold, snapshot, sure=settings.review_below)
    report = CandidateReport(
        scorer=ScorerReport(**fitted.report),
        thresholds=ThresholdsReport.model_validate(limits.report()),
        unfamiliar_below=unfamiliar_below(like_traffic(fitted.out_of_fold, snapshot).confidence),
        relabel_requests=tuple(snapshot.train[row].id for row in fitted.out_of_fold.rows[again]),
        contract=facts.get(CONTRACT),
        **robustness.summary(),
    )
    texts = outside_texts(snapshot, seed=settings.seed)
    outside = [text_key(texts[row]) for row in fitted.outside_rows]
    _write(building, snapshot, vectors, fitted, limits, outside=outside)
    remember(building, [live, *sisters])
    if measurement is not None:
        _write_measurement(building / FOLDS, measurement)
    content = layout.seal(
        building, _facts(snapshot, live.dim, kind, settings, facts | {"report": report.model_dump(mode="json")})
    )
    return Candidate(kind, building, report.model_copy(update={"content_hash": content}))


def is_outdated(manifest: Mapping[str, Any], snapshot: Snapshot, settings: Settings, *, contract: object) -> bool:
    """Whether a bundle built today would differ: other rows, another contract, or relabel requests that expired."""
    today = [snapshot.rows_hash, _fresh(snapshot), settings.clarify_level, contract]
    return [manifest.get(fact) for fact in ("rows_hash", FRESH, CLARIFY, CONTRACT)] != today


def _fresh(snapshot: Snapshot) -> list[str]:
    return [row.id for row in snapshot.train if row.fresh]


def measured_alike(
    encoder: Path, snapshot: Snapshot, other: Measurement, *, settings: Settings, progress: Progress
) -> dict[str, list[Any]]:
    """Out-of-fold results of an encoder that never saw any row, on the folds that another one is measured on.

    A candidate measured with half of the phrasings must be compared with an incumbent that has half of them too.
    """
    itself = replace(other, encoders=(encoder,) * len(other.encoders))
    live = open_recalling(encoder, threads=settings.train_threads, incumbent=encoder.parent)
    sisters = [live] * len(itself.encoders)
    fitted, _ = fit(snapshot, live, live.encode(snapshot.texts), itself, settings, sisters=sisters, progress=progress)
    return _outcomes(snapshot, fitted)


def _write(
    building: Path,
    snapshot: Snapshot,
    vectors: Vectors,
    fitted: FittedScorer,
    limits: FittedThresholds,
    *,
    outside: Sequence[str],
) -> None:
    np.save(building / layout.VECTORS, vectors)
    build_graph(vectors, building / layout.INDEX)
    fitted.scorer.save(building / layout.SCORER)
    _write_json(
        building / layout.PHRASINGS,
        {
            "intents": snapshot.intents,
            "ids": [row.id for row in snapshot.train],
            "keys": [text_key(row.text) for row in snapshot.train],
            "intent_of_row": snapshot.intent_numbers,
            "outside": outside,
        },
    )
    _write_json(building / layout.EXACT, snapshot.exact)
    _write_json(building / layout.THRESHOLDS, vars(limits.thresholds))
    found = fitted.out_of_fold
    draw_reliability(building / layout.RELIABILITY, found.confidence, found.right)
    _write_json(building / layout.EVALUATION, {"rows": _outcomes(snapshot, fitted)})


def _outcomes(snapshot: Snapshot, fitted: FittedScorer) -> dict[str, list[Any]]:
    """Row id -> [true intent, chosen intent, confidence], out of fold."""
    found = fitted.out_of_fold
    return {
        snapshot.train[row].id: [snapshot.train[row].intent, snapshot.intents[best], round(float(confidence), 5)]
        for row, best, confidence in zip(found.rows, found.best, found.confidence, strict=True)
    }


def _write_measurement(folder: Path, measurement: Measurement) -> None:
    folder.mkdir()
    for part, encoder in enumerate(measurement.encoders):
        link_encoder(encoder, folder / str(part))
    _write_json(
        folder / ASSIGNMENT,
        {
            "parts": measurement.parts,
            "measured": len(measurement.encoders),
            "part_of_text": measurement.part_of,
        },
    )


def _facts(snapshot: Snapshot, dim: int, kind: str, settings: Settings, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "base_model": settings.base_model,
        "dim": dim,
        "count": len(snapshot.train),
        "intents": len(snapshot.intents),
        "seed": settings.seed,
        "rows_hash": snapshot.rows_hash,
        FRESH: _fresh(snapshot),
        CLARIFY: settings.clarify_level,
        "probes": _probes(snapshot),
        "libraries": _library_versions(),
        **facts,
    }


def _probes(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Up to eight canonical questions with the row of their vector, for the self-test at opening."""
    rows = {row.text: position for position, row in reversed(list(enumerate(snapshot.train)))}
    questions = [normalise(question) for _, question in sorted(snapshot.questions.items())]
    known = [text for text in questions if text in rows][:8] or [snapshot.train[0].text]
    return [{"text": text, "row": rows[text]} for text in known]


def _library_versions() -> dict[str, str]:
    from importlib.metadata import version

    names = ("torch", "sentence-transformers", "transformers", "onnxruntime", "hnswlib", "numpy", "scikit-learn")
    return {name: version(name) for name in names}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True))
