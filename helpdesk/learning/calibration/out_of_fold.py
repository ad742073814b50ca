"""Measure an encoder out of fold on the training rows, and fit scorer and thresholds on the results."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.embedding_cache import CachedEncoder
from helpdesk.learning.calibration.folds import Fold, frozen_folds, is_measurable
from helpdesk.learning.calibration.measurement import Measurement
from helpdesk.learning.calibration.out_of_scope import scrambled
from helpdesk.learning.calibration.out_of_scope_evidence import Assumed, gather_out_of_scope
from helpdesk.learning.calibration.representative import representative
from helpdesk.learning.calibration.risk_control import Contract, FittedThresholds, fit_thresholds
from helpdesk.learning.calibration.rough_wording import as_typed
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import FittedScorer, OutOfFold, Spellings
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import row_groups
from helpdesk.matching.index import Vectors
from helpdesk.matching.spelling import Speller
from helpdesk.settings import Settings
from helpdesk.text import text_key, words

TRAFFIC_ROWS = 300
FEW_SLIPS, MOST_SLIPS = 5, 0.1  # labels of the last week that may be slips: so many, or this share of them
Progress = Callable[[str, int, int], None]


def fit_contract_thresholds(fitted: FittedScorer, dataset: Dataset, settings: Settings) -> FittedThresholds:
    """The thresholds that keep the operator's contract, by the out-of-fold results of a fitted scorer.

    The contract is about traffic, so only rows like traffic count, and open relabel requests do not.
    """
    found = fitted.as_typed.take(representative(dataset)[fitted.as_typed.rows])
    measured = like_traffic(found.take(~_forgiven(found, dataset, sure=settings.review_below)), dataset)
    assumed = Assumed(settings.assumed_out_of_scope, settings.assumed_near)
    out_of_scope = gather_out_of_scope(found, taught=dataset.taught, assumed=assumed, share=dataset.out_of_scope_share)
    contract = Contract(settings.max_wrong_rate, settings.assurance, settings.clarify_level)
    return fit_thresholds(measured, contract, out_of_scope=out_of_scope)


def contradicted(found: OutOfFold, dataset: Dataset, *, sure: float) -> NDArray[np.bool_]:
    """Mask of the measured rows whose label nobody has repeated and a model that never saw it surely contradicts."""
    once = np.array([dataset.train[row].said_once for row in found.rows], dtype=np.bool_)
    return once & ~found.right & (found.confidence >= sure)


def _forgiven(found: OutOfFold, dataset: Dataset, *, sure: float) -> NDArray[np.bool_]:
    """The contradicted rows that do not count yet. When there are more than a few, they are no slips and all count."""
    fresh = np.array([dataset.train[row].fresh for row in found.rows], dtype=np.bool_)
    slips = contradicted(found, dataset, sure=sure) & fresh
    most = max(FEW_SLIPS, MOST_SLIPS * np.count_nonzero(fresh))
    return slips if np.count_nonzero(slips) <= most else np.zeros_like(slips)


def like_traffic(found: OutOfFold, dataset: Dataset) -> OutOfFold:
    """The measured rows like traffic: FAQ phrasings and the audit sample, without messages labelled because of doubt.

    All rows, when there are fewer than `TRAFFIC_ROWS` of these.
    """
    drawn = np.array([not dataset.train[row].put_forward for row in found.rows], dtype=np.bool_)
    return found.take(drawn) if np.count_nonzero(drawn) >= TRAFFIC_ROWS else found


def fit(
    dataset: Dataset,
    encoder: CachedEncoder,
    vectors: Vectors,
    measurement: Measurement | None,
    settings: Settings,
    *,
    fold_encoders: Sequence[CachedEncoder],
    progress: Progress,
) -> tuple[FittedScorer, list[Fold]]:
    """A scorer for the training rows' vectors [n, dim] under an encoder, and the folds it was measured on.

    `fold_encoders` are the opened fold encoders of the measurement; empty without one.
    """
    texts = out_of_scope_texts(dataset, seed=settings.seed)
    speller = Speller({word for text in dataset.texts for word in words(text)}, encoder.words)
    typed = as_typed(dataset, share=settings.assumed_rough, seed=settings.seed, mend=speller.mend)
    folds = (
        _frozen(dataset, encoder, vectors, texts=texts, typed=typed, seed=settings.seed)
        if measurement is None
        else _measured(dataset, measurement, fold_encoders, texts=texts, typed=typed, progress=progress)
    )
    rows, strange, asked = ([encoder.spell(text) for text in some] for some in (dataset.texts, texts, typed))
    spellings = Spellings(rows, strange, dataset.taught, asked)
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    out_of_scope = _encode(encoder, texts)
    counted = representative(dataset)
    fitted = fit_scorer(vectors, intents, out_of_scope, folds, spellings=spellings, counted=counted, seed=settings.seed)
    return fitted, folds


def _frozen(
    dataset: Dataset,
    encoder: CachedEncoder,
    vectors: Vectors,
    *,
    texts: Sequence[str],
    typed: Sequence[str],
    seed: int,
) -> list[Fold]:
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    groups = np.array(row_groups(dataset))
    asked = encoder.encode(typed)
    return frozen_folds(vectors, intents, _encode(encoder, texts), typed=asked, groups=groups, seed=seed)


def _measured(
    dataset: Dataset,
    measurement: Measurement,
    fold_encoders: Sequence[CachedEncoder],
    *,
    texts: Sequence[str],
    typed: Sequence[str],
    progress: Progress,
) -> list[Fold]:
    intents = np.array(dataset.intent_numbers, dtype=np.int32)
    folds_of_rows = np.array([measurement.fold_of[text_key(text)] for text in dataset.texts])
    folds = []
    for number, fold_encoder in enumerate(fold_encoders):
        train, test = np.flatnonzero(folds_of_rows != number), np.flatnonzero(folds_of_rows == number)
        if not is_measurable(intents, train, test):
            continue
        seen = fold_encoder.encode(dataset.texts, progress=stage(progress, f"evaluating fold {number + 1}"))
        folds.append(
            Fold(
                train_vectors=seen[train],
                train_intents=intents[train],
                test_vectors=seen[test],
                test_intents=intents[test],
                test_rows=test,
                out_of_scope_vectors=_encode(fold_encoder, texts),
                number=number,
                typed_vectors=fold_encoder.encode([typed[row] for row in test.tolist()]),
            )
        )
    return folds


def _encode(encoder: CachedEncoder, texts: Sequence[str]) -> Vectors:
    return encoder.encode(texts) if texts else np.empty((0, encoder.dim), dtype=np.float32)


def out_of_scope_texts(dataset: Dataset, *, seed: int) -> list[str]:
    """The out-of-scope texts: staff's labels, shipped messages, gibberish in the FAQ's own letters."""
    return [*dataset.out_of_scope, *scrambled(dataset.texts, seed=seed)]


def stage(progress: Progress, name: str) -> Callable[[int, int], None]:
    """The progress of one stage."""
    return lambda done, total: progress(name, done, total)
