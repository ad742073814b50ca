"""Build a candidate bundle: encode, measure out of fold, fit scorer and thresholds, write, seal."""

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from helpdesk.learning.bundles.known_languages import known_languages
from helpdesk.learning.bundles.stage_times import StageTimes
from helpdesk.learning.calibration.embedding_cache import CachedEncoder, open_cached, write_cache
from helpdesk.learning.calibration.measurement import ASSIGNMENT, FOLDS, Measurement
from helpdesk.learning.calibration.out_of_fold import (
    Progress,
    contradicted,
    fit,
    fit_contract_thresholds,
    like_traffic,
    out_of_scope_texts,
    stage,
)
from helpdesk.learning.calibration.reliability import draw_reliability
from helpdesk.learning.calibration.risk_control import FittedThresholds
from helpdesk.learning.calibration.scorer_results import FittedScorer
from helpdesk.learning.calibration.unfamiliar import unfamiliar_below
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.robustness.exam import draw_evaluation_set
from helpdesk.learning.robustness.measure import Robustness, evaluation_size, measure_robustness
from helpdesk.learning.training.onnx_export import link_encoder
from helpdesk.matching import bundle as layout
from helpdesk.matching.ambiguous import find_shared_words
from helpdesk.matching.index import Vectors, build_graph, open_index
from helpdesk.matching.settled import is_settled
from helpdesk.records.candidate_report import CandidateReport, ScorerReport, ThresholdsReport
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key, words

CONTRACT = "contract"
FRESH = "fresh"
CLARIFY = "clarify_level"
ASSUMED = "assumed"
SETTLED_SHARE = 0.1


@dataclass(frozen=True)
class Candidate:
    """A sealed bundle that is not in service, and the report of its build."""

    kind: str
    directory: Path
    report: CandidateReport


def build(
    building: Path,
    dataset: Dataset,
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
    times = StageTimes()
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    link_encoder(encoder, building / layout.ENCODER, apart=True)
    folders = [building / layout.ENCODER, *(measurement.encoders if measurement else ())]
    live, *fold_encoders = (open_cached(f, threads=settings.train_threads, incumbent=incumbent) for f in folders)
    vectors = live.encode(dataset.texts, progress=stage(progress, f"{kind}: encoding"))
    spoken = known_languages(dataset.texts, live.encode)
    times.end("encoding")
    fitted, folds = fit(dataset, live, vectors, measurement, settings, fold_encoders=fold_encoders, progress=progress)
    fitted_thresholds = fit_contract_thresholds(fitted, dataset, settings)
    times.end("measuring")
    evaluation = draw_evaluation_set(
        dataset,
        fitted,
        folds,
        vectors=vectors,
        encoders=[live.encode, *((fold_encoders[fold.number] if fold_encoders else live).encode for fold in folds)],
        thresholds=fitted_thresholds.thresholds,
        size=evaluation_size(len(dataset.train)),
        seed=settings.seed,
    )
    robustness = measure_robustness(evaluation, dataset, seed=settings.seed)
    times.end("robustness")
    graph = _build_index(building, dataset, vectors)
    times.end("index")
    report = _report(dataset, fitted, fitted_thresholds, robustness, settings, contract=facts.get(CONTRACT))
    _write_json(building / layout.ROBUSTNESS, robustness.as_dict())
    _write(building, dataset, vectors, fitted, fitted_thresholds, languages=spoken, seed=settings.seed)
    found = {"report": report.model_dump(mode="json", exclude={"seconds"}), layout.GRAPH: graph}
    _write_for_nights(building, [live, *fold_encoders], measurement)
    content = layout.seal(building, _facts(dataset, live.dim, kind, settings, facts | found))
    times.end("files")  # what differs from run to run stays out of the bundle
    return Candidate(kind, building, report.model_copy(update={"content_hash": content, "seconds": times.seconds}))


def _build_index(building: Path, dataset: Dataset, vectors: Vectors) -> bool:
    """Whether the graph finds the neighbours well enough to serve."""
    build_graph(vectors, building / layout.INDEX)
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    return open_index(vectors, building / layout.INDEX, intents=intents).has_graph


def _report(
    dataset: Dataset,
    fitted: FittedScorer,
    fitted_thresholds: FittedThresholds,
    robustness: Robustness,
    settings: Settings,
    *,
    contract: tuple[float, float] | None,
) -> CandidateReport:
    again = contradicted(fitted.out_of_fold, dataset, sure=settings.review_below)
    return CandidateReport(
        scorer=ScorerReport(**fitted.report),
        thresholds=ThresholdsReport.model_validate(fitted_thresholds.report()),
        unfamiliar_below=unfamiliar_below(like_traffic(fitted.out_of_fold, dataset).confidence),
        relabel_requests=tuple(dataset.train[row].id for row in fitted.out_of_fold.rows[again]),
        contract=contract,
        **robustness.summary(),
    )


def _settled(dataset: Dataset) -> list[str]:
    """The intents of which a tenth of the rows or more read like settled matters, as one about cancelling does."""
    rows = Counter(row.intent for row in dataset.train)
    like = Counter(row.intent for row in dataset.train if is_settled(row.text))
    return sorted(intent for intent, count in like.items() if count >= SETTLED_SHARE * rows[intent])


def is_outdated(manifest: Mapping[str, Any], dataset: Dataset, settings: Settings, *, contract: object) -> bool:
    """Whether a bundle built today would differ: other rows, another contract, or relabel requests that expired."""
    today = [dataset.rows_hash, _fresh(dataset), settings.clarify_level, _assumed(settings), contract]
    return [manifest.get(fact) for fact in ("rows_hash", FRESH, CLARIFY, ASSUMED, CONTRACT)] != today


def _assumed(settings: Settings) -> list[float]:
    return [settings.assumed_out_of_scope, settings.assumed_near, settings.assumed_rough]


def _fresh(dataset: Dataset) -> list[str]:
    return [row.id for row in dataset.train if row.fresh]


def evaluated_alike(
    encoder: Path, dataset: Dataset, other: Measurement, *, settings: Settings, progress: Progress
) -> dict[str, list[Any]]:
    """Out-of-fold results of an encoder that never saw any row, on the folds that another one is measured on.

    A candidate measured with half of the phrasings must be compared with an incumbent that has half of them too.
    """
    itself = replace(other, encoders=(encoder,) * len(other.encoders))
    live = open_cached(encoder, threads=settings.train_threads, incumbent=encoder.parent)
    fold_encoders = [live] * len(itself.encoders)
    fitted, _ = fit(
        dataset, live, live.encode(dataset.texts), itself, settings, fold_encoders=fold_encoders, progress=progress
    )
    return _outcomes(dataset, fitted)


def _write(
    building: Path,
    dataset: Dataset,
    vectors: Vectors,
    fitted: FittedScorer,
    fitted_thresholds: FittedThresholds,
    *,
    languages: Sequence[str],
    seed: int,
) -> None:
    texts = out_of_scope_texts(dataset, seed=seed)
    np.save(building / layout.VECTORS, vectors)
    fitted.scorer.save(building / layout.SCORER)
    _write_json(
        building / layout.PHRASINGS,
        {
            "intents": dataset.intents,
            "ids": [row.id for row in dataset.train],
            "keys": [text_key(row.text) for row in dataset.train],
            "intent_of_row": dataset.intent_numbers,
            "outside": [text_key(texts[row]) for row in fitted.out_of_scope_rows],
            "settled": _settled(dataset),
            "languages": languages,
            "shared_words": find_shared_words([(row.text, row.intent) for row in dataset.train], known=languages),
            "words": sorted({word for row in dataset.train for word in words(row.text)}),
        },
    )
    _write_json(building / layout.EXACT, dataset.exact)
    _write_json(building / layout.THRESHOLDS, vars(fitted_thresholds.thresholds))
    found = fitted.out_of_fold
    draw_reliability(building / layout.RELIABILITY, found.confidence, found.right)
    _write_json(building / layout.EVALUATION, {"rows": _outcomes(dataset, fitted)})


def _outcomes(dataset: Dataset, fitted: FittedScorer) -> dict[str, list[Any]]:
    """Row id -> [true intent, chosen intent, confidence], out of fold."""
    found = fitted.out_of_fold
    return {
        dataset.train[row].id: [dataset.train[row].intent, dataset.intents[best], round(float(confidence), 5)]
        for row, best, confidence in zip(found.rows, found.best, found.confidence, strict=True)
    }


def _write_for_nights(building: Path, encoders: Sequence[CachedEncoder], measurement: Measurement | None) -> None:
    """What only nights read: the vectors that were computed, and the fold encoders."""
    write_cache(building, encoders)
    if measurement is None:
        return
    folder = building / FOLDS
    folder.mkdir()
    for part, encoder in enumerate(measurement.encoders):
        link_encoder(encoder, folder / str(part))
    _write_json(
        folder / ASSIGNMENT,
        {
            "folds": measurement.folds,
            "evaluated": len(measurement.encoders),
            "fold_of_text": measurement.fold_of,
        },
    )


def _facts(dataset: Dataset, dim: int, kind: str, settings: Settings, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": kind,
        "base_model": settings.base_model,
        "dim": dim,
        "count": len(dataset.train),
        "intents": len(dataset.intents),
        "seed": settings.seed,
        "rows_hash": dataset.rows_hash,
        FRESH: _fresh(dataset),
        CLARIFY: settings.clarify_level,
        ASSUMED: _assumed(settings),
        "probes": _probes(dataset),
        "libraries": _library_versions(),
        **facts,
    }


def _probes(dataset: Dataset) -> list[dict[str, Any]]:
    """Up to eight canonical questions with the row of their vector, for the self-test at opening."""
    rows = {row.text: position for position, row in reversed(list(enumerate(dataset.train)))}
    questions = [normalise(question) for _, question in sorted(dataset.questions.items())]
    known = [text for text in questions if text in rows][:8] or [dataset.train[0].text]
    return [{"text": text, "row": rows[text]} for text in known]


def _library_versions() -> dict[str, str]:
    from importlib.metadata import version

    learning = ("torch", "sentence-transformers", "transformers", "scikit-learn")
    return {name: version(name) for name in (*learning, "onnxruntime", "ctranslate2", "hnswlib", "numpy")}


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True))
