"""Build a candidate bundle: encode, measure out of fold, fit scorer and thresholds, write, seal."""

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rapidfuzz import fuzz, process
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from helpdesk.learning.export import link_encoder
from helpdesk.learning.folds import Fold, frozen_folds
from helpdesk.learning.negatives import scrambled
from helpdesk.learning.reliability import draw_reliability
from helpdesk.learning.scoring import FittedScorer, Spellings, fit_scorer
from helpdesk.learning.snapshot import Snapshot, stable_parts
from helpdesk.learning.thresholds import Contract, FittedThresholds, fit_thresholds, outside_evidence
from helpdesk.matching import bundle as layout
from helpdesk.matching.encoder import Encoder
from helpdesk.matching.index import Vectors, build_graph
from helpdesk.settings import Settings
from helpdesk.text import normalise, text_key

FOLDS = "folds"
ASSIGNMENT = "assignment.json"
NEAR = 90.0
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Measurement:
    """How an encoder is measured on rows it learnt from: by sister encoders that each never saw one part of them.

    parts: into how many the rows fall; part_of: row id -> its part; encoders: the folder of the encoder that never
    saw part 0, 1, ... (fewer than `parts` when not every part is measured, none when the encoder itself never saw
    any row, as the base model).
    """

    parts: int
    part_of: dict[str, int]
    encoders: tuple[Path, ...]

    def extended(self, snapshot: Snapshot) -> "Measurement":
        """The same for the rows of today: new ones were seen by no encoder and join a part."""
        return replace(self, part_of=split(snapshot, parts=self.parts, known=self.part_of))


@dataclass(frozen=True)
class Candidate:
    """A sealed bundle that is not in service, and what its making found out."""

    kind: str
    directory: Path
    report: dict[str, Any]


def near_groups(texts: Sequence[str], intents: Sequence[str]) -> list[int]:
    """Group numbers: lexically near-duplicate texts of one intent share one, so that no split tears them apart."""
    groups = [0] * len(texts)
    members: dict[str, list[int]] = {}
    for position, intent in enumerate(intents):
        members.setdefault(intent, []).append(position)
    start = 0
    for positions in members.values():
        own = [texts[p] for p in positions]
        near = process.cdist(own, own, scorer=fuzz.token_sort_ratio, score_cutoff=NEAR, dtype=np.uint8) > 0
        count, found = connected_components(csr_matrix(near.astype(np.int8)), directed=False)
        for position, group in zip(positions, found, strict=True):
            groups[position] = start + int(group)
        start += count
    return groups


def row_groups(snapshot: Snapshot) -> list[int]:
    """Near-duplicate groups of the training rows."""
    return near_groups(snapshot.texts, [row.intent for row in snapshot.train])


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
) -> Candidate:
    """Write and seal one bundle in the folder `building`, around an encoder folder whose files are linked."""
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    link_encoder(encoder, building / layout.ENCODER)
    live = Encoder(building / layout.ENCODER, threads=settings.train_threads)
    vectors = live.encode(snapshot.texts, progress=_stage(progress, f"{kind}: encoding"))
    fitted = _fit(snapshot, live, vectors, measurement, settings, progress=progress)
    limits = fit_limits(fitted, snapshot, settings)
    report = {"scorer": fitted.report, "thresholds": limits.report()}
    _write(building, snapshot, vectors, fitted, limits, report)
    if measurement is not None:
        _write_measurement(building / FOLDS, snapshot, measurement)
    layout.seal(building, _facts(snapshot, live.dim, kind, settings, facts | {"report": report}))
    return Candidate(kind, building, report)


def read_measurement(directory: Path) -> Measurement | None:
    """How the encoder of a sealed bundle is measured; None when it is the base model."""
    folder = directory / FOLDS
    if not folder.is_dir():
        return None
    stored = json.loads((folder / ASSIGNMENT).read_text())
    encoders = tuple(folder / str(part) for part in range(stored["measured"]))
    return Measurement(stored["parts"], stored["part_of"], encoders)


def split(snapshot: Snapshot, *, parts: int, known: Mapping[str, int] | None = None) -> dict[str, int]:
    """Row id -> part, near-duplicates together, every intent spread evenly; `known` rows stay where they are."""
    return stable_parts(snapshot.train, row_groups(snapshot), parts=parts, known=known)


def measured_alike(
    encoder: Path, snapshot: Snapshot, other: Measurement, *, settings: Settings, progress: Progress
) -> dict[str, list[Any]]:
    """Out-of-fold results of an encoder that never saw any row, on the parts that another one is measured on.

    A candidate that is measured with half the phrasings must be compared with an incumbent that has half of them too.
    """
    itself = replace(other, encoders=(encoder,) * len(other.encoders))
    live = Encoder(encoder, threads=settings.train_threads)
    fitted = _fit(snapshot, live, live.encode(snapshot.texts), itself, settings, progress=progress)
    return _outcomes(snapshot, fitted)


def fit_limits(fitted: FittedScorer, snapshot: Snapshot, settings: Settings) -> FittedThresholds:
    """The thresholds that keep the operator's contract, by the out-of-fold results of a fitted scorer."""
    outside = outside_evidence(fitted.out_of_fold, taught=snapshot.taught, labelled_inside=snapshot.labelled_inside)
    contract = Contract(settings.max_wrong_rate, settings.assurance, settings.clarify_level)
    return fit_thresholds(fitted.out_of_fold, contract, outside=outside)


def _fit(
    snapshot: Snapshot,
    encoder: Encoder,
    vectors: Vectors,
    measurement: Measurement | None,
    settings: Settings,
    *,
    progress: Progress,
) -> FittedScorer:
    texts = [*snapshot.out_of_scope, *scrambled(snapshot.texts, seed=settings.seed)]
    out_of_scope = _encode(encoder, texts)
    folds = _folds(snapshot, vectors, out_of_scope, measurement, settings, texts=texts, progress=progress)
    spellings = Spellings(
        [encoder.spell(text) for text in snapshot.texts], [encoder.spell(text) for text in texts], snapshot.taught
    )
    intents = np.array(snapshot.intent_numbers, dtype=np.int32)
    return fit_scorer(vectors, intents, out_of_scope, folds, spellings=spellings, seed=settings.seed)


def _folds(
    snapshot: Snapshot,
    vectors: Vectors,
    out_of_scope: Vectors,
    measurement: Measurement | None,
    settings: Settings,
    *,
    texts: Sequence[str],
    progress: Progress,
) -> list[Fold]:
    intents = np.array(snapshot.intent_numbers, dtype=np.int32)
    if measurement is None:
        groups = np.array(row_groups(snapshot))
        return frozen_folds(vectors, intents, out_of_scope, groups=groups, seed=settings.seed)
    parts = np.array([measurement.part_of[row.id] for row in snapshot.train])
    folds = []
    for part, directory in enumerate(measurement.encoders):
        sister = Encoder(directory, threads=settings.train_threads)
        seen = sister.encode(snapshot.texts, progress=_stage(progress, f"measuring part {part + 1}"))
        train, test = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        folds.append(
            Fold(
                train_vectors=seen[train],
                train_intents=intents[train],
                test_vectors=seen[test],
                test_intents=intents[test],
                test_rows=test,
                oos_vectors=_encode(sister, texts),
            )
        )
    return folds


def _encode(encoder: Encoder, texts: Sequence[str]) -> Vectors:
    return encoder.encode(texts) if texts else np.empty((0, encoder.dim), dtype=np.float32)


def _write(
    building: Path,
    snapshot: Snapshot,
    vectors: Vectors,
    fitted: FittedScorer,
    limits: FittedThresholds,
    report: dict[str, Any],
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
        },
    )
    _write_json(building / layout.EXACT, snapshot.exact)
    _write_json(building / layout.THRESHOLDS, vars(limits.thresholds))
    found = fitted.out_of_fold
    draw_reliability(building / layout.RELIABILITY, found.confidence, found.right)
    _write_json(building / layout.EVALUATION, {"rows": _outcomes(snapshot, fitted), "report": report})


def _outcomes(snapshot: Snapshot, fitted: FittedScorer) -> dict[str, list[Any]]:
    """Row id -> [true intent, chosen intent, confidence], out of fold."""
    found = fitted.out_of_fold
    return {
        snapshot.train[row].id: [snapshot.train[row].intent, snapshot.intents[best], round(float(confidence), 5)]
        for row, best, confidence in zip(found.rows, found.best, found.confidence, strict=True)
    }


def _write_measurement(folder: Path, snapshot: Snapshot, measurement: Measurement) -> None:
    folder.mkdir()
    for part, encoder in enumerate(measurement.encoders):
        link_encoder(encoder, folder / str(part))
    _write_json(
        folder / ASSIGNMENT,
        {
            "parts": measurement.parts,
            "measured": len(measurement.encoders),
            "part_of": measurement.part_of,
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
        "max_phrasing_id": snapshot.max_phrasing_id,
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


def _stage(progress: Progress, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(stage, done, total)
