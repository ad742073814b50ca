"""Measure an encoder out of fold on the training rows, and fit scorer and thresholds on the results."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.embedding_cache import RecallingEncoder
from helpdesk.learning.calibration.folds import Fold, frozen_folds, is_measurable
from helpdesk.learning.calibration.measurement import Measurement
from helpdesk.learning.calibration.out_of_scope import scrambled
from helpdesk.learning.calibration.risk_control import Contract, FittedThresholds, fit_thresholds, outside_evidence
from helpdesk.learning.calibration.scorer_fit import FittedScorer, OutOfFold, Spellings, fit_scorer
from helpdesk.learning.data.dataset import Snapshot
from helpdesk.learning.data.splits import row_groups
from helpdesk.matching.index import Vectors
from helpdesk.settings import Settings
from helpdesk.text import text_key

TRAFFIC_ROWS = 300
FEW_SLIPS, MOST_SLIPS = 5, 0.1  # labels of the last week that may be slips: so many, or this share of them
Progress = Callable[[str, int, int], None]


def fit_limits(fitted: FittedScorer, snapshot: Snapshot, settings: Settings) -> FittedThresholds:
    """The thresholds that keep the operator's contract, by the out-of-fold results of a fitted scorer.

    The contract is about traffic, so only rows like traffic count, and open relabel requests do not.
    """
    found = fitted.out_of_fold
    measured = like_traffic(found.take(~_forgiven(found, snapshot, sure=settings.review_below)), snapshot)
    outside = outside_evidence(fitted.out_of_fold, taught=snapshot.taught, share=snapshot.outside_share)
    contract = Contract(settings.max_wrong_rate, settings.assurance, settings.clarify_level)
    return fit_thresholds(measured, contract, outside=outside)


def contradicted(found: OutOfFold, snapshot: Snapshot, *, sure: float) -> NDArray[np.bool_]:
    """Mask of the measured rows whose label nobody has repeated and a model that never saw it surely contradicts."""
    once = np.array([snapshot.train[row].said_once for row in found.rows], dtype=np.bool_)
    return once & ~found.right & (found.confidence >= sure)


def _forgiven(found: OutOfFold, snapshot: Snapshot, *, sure: float) -> NDArray[np.bool_]:
    """The contradicted rows that do not count yet. When there are more than a few, they are no slips and all count."""
    fresh = np.array([snapshot.train[row].fresh for row in found.rows], dtype=np.bool_)
    slips = contradicted(found, snapshot, sure=sure) & fresh
    most = max(FEW_SLIPS, MOST_SLIPS * np.count_nonzero(fresh))
    return slips if np.count_nonzero(slips) <= most else np.zeros_like(slips)


def like_traffic(found: OutOfFold, snapshot: Snapshot) -> OutOfFold:
    """The measured rows like traffic: FAQ phrasings and the audit sample, without messages labelled because of doubt.

    All rows, when there are fewer than `TRAFFIC_ROWS` of these.
    """
    drawn = np.array([not snapshot.train[row].put_forward for row in found.rows], dtype=np.bool_)
    return found.take(drawn) if np.count_nonzero(drawn) >= TRAFFIC_ROWS else found


def fit(
    snapshot: Snapshot,
    encoder: RecallingEncoder,
    vectors: Vectors,
    measurement: Measurement | None,
    settings: Settings,
    *,
    sisters: Sequence[RecallingEncoder],
    progress: Progress,
) -> tuple[FittedScorer, list[Fold]]:
    """A scorer for the training rows' vectors [n, dim] under an encoder, and the folds it was measured on.

    `sisters` are the opened fold encoders of the measurement; empty without one.
    """
    texts = outside_texts(snapshot, seed=settings.seed)
    out_of_scope = _encode(encoder, texts)
    folds = (
        _frozen(snapshot, vectors, out_of_scope, seed=settings.seed)
        if measurement is None
        else _measured(snapshot, measurement, sisters, texts=texts, progress=progress)
    )
    spellings = Spellings(
        [encoder.spell(text) for text in snapshot.texts], [encoder.spell(text) for text in texts], snapshot.taught
    )
    intents = np.array(snapshot.intent_numbers, dtype=np.int32)
    return fit_scorer(vectors, intents, out_of_scope, folds, spellings=spellings, seed=settings.seed), folds


def _frozen(snapshot: Snapshot, vectors: Vectors, out_of_scope: Vectors, *, seed: int) -> list[Fold]:
    intents = np.array(snapshot.intent_numbers, dtype=np.int32)
    return frozen_folds(vectors, intents, out_of_scope, groups=np.array(row_groups(snapshot)), seed=seed)


def _measured(
    snapshot: Snapshot,
    measurement: Measurement,
    sisters: Sequence[RecallingEncoder],
    *,
    texts: Sequence[str],
    progress: Progress,
) -> list[Fold]:
    intents = np.array(snapshot.intent_numbers, dtype=np.int32)
    parts = np.array([measurement.part_of[text_key(text)] for text in snapshot.texts])
    folds = []
    for part, sister in enumerate(sisters):
        train, test = np.flatnonzero(parts != part), np.flatnonzero(parts == part)
        if not is_measurable(intents, train, test):
            continue
        seen = sister.encode(snapshot.texts, progress=stage(progress, f"measuring part {part + 1}"))
        folds.append(
            Fold(
                train_vectors=seen[train],
                train_intents=intents[train],
                test_vectors=seen[test],
                test_intents=intents[test],
                test_rows=test,
                oos_vectors=_encode(sister, texts),
                part=part,
            )
        )
    return folds


def _encode(encoder: RecallingEncoder, texts: Sequence[str]) -> Vectors:
    return encoder.encode(texts) if texts else np.empty((0, encoder.dim), dtype=np.float32)


def outside_texts(snapshot: Snapshot, *, seed: int) -> list[str]:
    """The out-of-scope texts: staff's labels, shipped messages, gibberish in the FAQ's own letters."""
    return [*snapshot.out_of_scope, *scrambled(snapshot.texts, seed=seed)]


def stage(progress: Progress, name: str) -> Callable[[int, int], None]:
    """The progress of one stage."""
    return lambda done, total: progress(name, done, total)
