"""Fit a scorer: heads and centroids on all rows, the weights that combine them on out-of-fold rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Fold, Intents, Ints
from helpdesk.learning.calibration.out_of_scope import too_near
from helpdesk.learning.calibration.reliability import calibration_error
from helpdesk.learning.calibration.scorer_results import FittedScorer, OutOfFold, Spellings
from helpdesk.learning.calibration.weights import Rows, Weights, fit_weights, take
from helpdesk.matching import wording
from helpdesk.matching.index import Vectors
from helpdesk.matching.probabilities import Floats
from helpdesk.matching.scorer import (
    INTENT_FEATURES,
    NEAR_NEIGHBOURS,
    NEIGHBOURS,
    SCOPE_FEATURES,
    WORDING,
    Features,
    Scorer,
)
from helpdesk.matching.wording import Spelled, Vocabulary, read_vocabulary

HEAD_C = 20.0
_GROUPS = 3
_HIDDEN = -50.0
_DENSITY_ROWS = 20
_DENSITY_CHUNK = 500


def fit_scorer(
    vectors: Vectors,
    intents: Intents,
    out_of_scope_vectors: Vectors,
    folds: Sequence[Fold],
    *,
    spellings: Spellings | None = None,
    counted: NDArray[np.bool_] | None = None,
    seed: int,
) -> FittedScorer:
    """Fit on unit vectors [n, dim] with intents [n] (numbers from 0, each present) and measure on the folds.

    Without spellings every wording counts as ordinary. counted: mask of the rows [n] that the weights are fitted on;
    None: all.
    """
    spellings = spellings or Spellings((), ())
    used = np.flatnonzero(~too_near(folds, taught=spellings.taught))
    folds = [replace(fold, out_of_scope_vectors=fold.out_of_scope_vectors[used]) for fold in folds]
    kept = [spellings.out_of_scope[row] for row in used.tolist()] if spellings.out_of_scope else []
    spelled = replace(spellings, out_of_scope=kept)
    count = int(intents.max()) + 1
    rows, partial = _measure(folds, count, spelled)
    test_rows = np.concatenate([fold.test_rows for fold in folds])
    fitted_on = np.ones(len(test_rows), dtype=np.bool_) if counted is None else counted[test_rows]
    weights = fit_weights(rows.take(fitted_on, np.ones(len(rows.out_of_scope.scope), dtype=np.bool_)), seed=seed)
    parts = _parts(vectors, intents, out_of_scope_vectors[used], count, read_vocabulary(spelled.rows))
    scorer, *unseen = (
        replace(p, intent_weights=weights.intent, scope_weights=weights.scope) for p in (parts, *partial)
    )
    found, typed = _cross_fitted(rows, test_rows, fitted_on, seed=seed)
    report = _report(scorer, found, rows)
    report |= {"out_of_scope": len(out_of_scope_vectors), "out_of_scope_used": len(used)}
    return FittedScorer(scorer, found, typed, report, tuple(unseen), used)


def refit(scorer: Scorer, vectors: Vectors, intents: Intents, out_of_scope_vectors: Vectors) -> Scorer:
    """A scorer over other rows with the same weights: its head and centroids are fitted anew, as `fit_scorer` does.

    Vectors [n, dim] with intents [n], two different ones at least; an intent without rows can never win. Its vocabulary
    stays as it is.
    """
    parts = _parts(vectors, intents, out_of_scope_vectors, len(scorer.bias), scorer.vocabulary)
    return replace(parts, intent_weights=scorer.intent_weights, scope_weights=scorer.scope_weights)


def three_views(known: Vectors, intents: Intents, asked: Vectors, truth: Intents) -> NDArray[np.float64]:
    """How many of the three, linear head, centroid and nearest phrasing of the known vectors [n, dim], name the intents
    [m] of others [m, dim]: a share for each of these."""
    count = int(max(intents.max(), truth.max())) + 1
    head, bias = _fit_head(known, intents, count)
    nearest = intents[np.argmax(asked @ known.T, axis=1)]
    centroid = np.argmax(asked @ _centroids(known, intents, count).T, axis=1)
    named = [found == truth for found in (np.argmax(asked @ head.T + bias, axis=1), centroid, nearest)]
    shares: NDArray[np.float64] = np.mean(named, axis=0)
    return shares


def _measure(folds: Sequence[Fold], count: int, spellings: Spellings) -> tuple[Rows, list[Scorer]]:
    """Features of every test row by the fold that never saw it, with and without its own intent; of every known
    out-of-scope message by one fold, and by such others of them as stand in another group."""
    inside, near, typed, out_of_scope, order, partial = [], [], [], [], [], []
    groups = max(2, len(folds))
    group_of = np.arange(len(folds[0].out_of_scope_vectors)) % groups
    for number, fold in enumerate(folds):
        vocabulary = read_vocabulary(_others(spellings.rows, fold.test_rows))
        parts = _parts(fold.train_vectors, fold.train_intents, fold.out_of_scope_vectors, count, vocabulary)
        partial.append(parts)
        worded = _worded(vocabulary, spellings.rows, fold.test_rows)
        inside.append(_features(parts, fold, fold.test_vectors, worded=worded))
        near.append(_features(parts, fold, fold.test_vectors, worded=worded, without=fold.test_intents))
        typed.append(_typed(parts, fold, vocabulary, spellings) or inside[-1])
        for group in range(number, groups, len(folds)):
            own = np.flatnonzero(group_of == group)
            others = replace(parts, out_of_scope=fold.out_of_scope_vectors[group_of != group])
            worded = _worded(vocabulary, spellings.out_of_scope, own)
            out_of_scope.append(_features(others, fold, fold.out_of_scope_vectors[own], worded=worded))
            order.append(own)
    truth = np.concatenate([fold.test_intents for fold in folds])
    strange = take(_join(out_of_scope), np.argsort(np.concatenate(order)))
    return Rows(_join(inside), truth, _join(near), strange, _join(typed)), partial


def _typed(parts: Scorer, fold: Fold, vocabulary: Vocabulary, spellings: Spellings) -> Features | None:
    if fold.typed_vectors is None:
        return None
    worded = _worded(vocabulary, spellings.typed, fold.test_rows)
    return _features(parts, fold, fold.typed_vectors, worded=worded)


def _others(spelled: Sequence[Spelled], rows: Ints) -> list[Spelled]:
    left_out = set(rows.tolist())
    return [words for row, words in enumerate(spelled) if row not in left_out]


def _worded(vocabulary: Vocabulary, spelled: Sequence[Spelled], rows: Ints) -> Floats:
    """Signs of strange wording of some rows [m, 3]; zeros when nothing was spelled out."""
    if not spelled:
        return np.zeros((len(rows), len(wording.WORDING_FEATURES)))
    return np.array([vocabulary.features(spelled[row]) for row in rows]).reshape(
        len(rows), len(wording.WORDING_FEATURES)
    )


def _features(
    parts: Scorer, fold: Fold, vectors: Vectors, *, worded: Floats, without: Intents | None = None
) -> Features:
    """Features of unit vectors against a fold's training rows; `without` [n] hides each row's own intent."""
    similarities = vectors @ fold.train_vectors.T
    if without is not None:
        similarities = np.where(fold.train_intents[None, :] == without[:, None], -1.0, similarities)
    nearest = _nearest(similarities)
    features = parts.features(vectors, np.take_along_axis(similarities, nearest, axis=1), fold.train_intents[nearest])
    features.scope[:, WORDING] = worded
    if without is not None:
        _hide(features, parts, vectors, without)
    return features


def _nearest(similarities: NDArray[np.float32]) -> Ints:
    """The columns of the largest similarities of each row, best first."""
    k = min(NEIGHBOURS, similarities.shape[1])
    found = np.argpartition(-similarities, k - 1, axis=1)[:, :k]
    best = np.argsort(-np.take_along_axis(similarities, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, best, axis=1)


def _hide(features: Features, parts: Scorer, vectors: Vectors, intents: Intents) -> None:
    """Take each row's own intent out of its features, and of the scope that look over all intents."""
    rows = np.arange(len(vectors))
    features.per_intent[rows, intents] = _HIDDEN
    logits = vectors @ parts.head.T + parts.bias
    logits[rows, intents] = _HIDDEN
    features.scope[:, SCOPE_FEATURES.index("energy")] = np.log(np.exp(logits).sum(axis=1))
    features.scope[:, SCOPE_FEATURES.index("centroid")] = features.per_intent[
        :, :, INTENT_FEATURES.index("centroid")
    ].max(axis=1)


def _parts(
    vectors: Vectors, intents: Intents, out_of_scope_vectors: Vectors, count: int, vocabulary: Vocabulary
) -> Scorer:
    """Head, centroids, out-of-scope vectors and vocabulary; weights still empty."""
    head, bias = _fit_head(vectors, intents, count)
    return Scorer(
        head=head,
        bias=bias,
        centroids=_centroids(vectors, intents, count),
        density=_density(vectors, intents, count),
        out_of_scope=out_of_scope_vectors,
        words=vocabulary.words,
        letters=vocabulary.letters,
        intent_weights=np.zeros(len(INTENT_FEATURES)),
        scope_weights=np.zeros(len(SCOPE_FEATURES)),
    )


def _fit_head(vectors: Vectors, intents: Intents, count: int) -> tuple[Vectors, Vectors]:
    """Multinomial logistic regression; an intent without rows gets a bias it can never win with."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    present = np.unique(intents)
    # Small products: on a busy machine, threads that wait for each other take fifty times as long as one.
    with threadpool_limits(limits=1, user_api="blas"):
        model = LogisticRegression(C=HEAD_C, max_iter=1000, tol=1e-4).fit(vectors, intents)
    coefficients, intercept = model.coef_, model.intercept_
    if len(present) == 2:
        coefficients, intercept = np.vstack([-coefficients, coefficients]) / 2, np.r_[-intercept, intercept] / 2
    head = np.zeros((count, vectors.shape[1]), dtype=np.float32)
    bias = np.full(count, -30.0, dtype=np.float32)
    head[present], bias[present] = coefficients, intercept
    return head, bias


def _centroids(vectors: Vectors, intents: Intents, count: int) -> Vectors:
    sums = np.zeros((count, vectors.shape[1]), dtype=np.float64)
    np.add.at(sums, intents, vectors)
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    centroids: Vectors = (sums / np.maximum(lengths, 1e-9)).astype(np.float32)
    return centroids


def _density(vectors: Vectors, intents: Intents, count: int) -> NDArray[np.float32]:
    """How similar phrasings of each intent are to the ten nearest others, as a mean over up to `_DENSITY_ROWS` of them.

    A similarity of 0.6 is high for an intent whose phrasings are far apart and low for one whose phrasings are close
    together (as in the local outlier factor of Breunig et al. 2000). Intents without rows get the mean of the others.
    """
    sampled = np.concatenate([np.flatnonzero(intents == intent)[:_DENSITY_ROWS] for intent in np.unique(intents)])
    near = min(NEAR_NEIGHBOURS, len(vectors) - 1)
    found = np.empty(len(sampled), dtype=np.float32)
    for start in range(0, len(sampled), _DENSITY_CHUNK):
        rows = sampled[start : start + _DENSITY_CHUNK]
        similarities = vectors[rows] @ vectors.T
        similarities[np.arange(len(rows)), rows] = -1.0
        found[start : start + len(rows)] = np.partition(similarities, -near, axis=1)[:, -near:].mean(axis=1)
    density = np.full(count, found.mean(), dtype=np.float32)
    for intent in np.unique(intents):
        density[intent] = found[intents[sampled] == intent].mean()
    return density


def _cross_fitted(
    rows: Rows, test_rows: Ints, fitted_on: NDArray[np.bool_], *, seed: int
) -> tuple[OutOfFold, OutOfFold]:
    """Confidence of every row, as it stands and as it may be typed, by weights that were fitted on other rows."""
    chance = np.random.default_rng(seed)
    group, out_of_scope_group = (
        chance.permutation(n) % _GROUPS for n in (len(rows.truth), len(rows.out_of_scope.scope))
    )
    inside, typed = np.zeros((2, *rows.inside.per_intent.shape[:2]))
    near, out_of_scope = np.zeros(len(rows.truth)), np.zeros(len(out_of_scope_group))
    for number in range(_GROUPS):
        weights = fit_weights(rows.take(fitted_on & (group != number), out_of_scope_group != number), seed=seed)
        inside[group == number] = _confidence(take(rows.inside, group == number), weights)
        typed[group == number] = _confidence(take(rows.typed, group == number), weights)
        near[group == number] = _confidence(take(rows.near, group == number), weights).max(axis=1)
        out_of_scope[out_of_scope_group == number] = _confidence(
            take(rows.out_of_scope, out_of_scope_group == number), weights
        ).max(axis=1)

    def ranked(confidence: Floats) -> OutOfFold:
        order = np.argsort(-confidence, axis=1, kind="stable")[:, :4]
        best = np.take_along_axis(confidence, order, axis=1)
        return OutOfFold(
            rows=test_rows,
            truth=rows.truth,
            best=order[:, 0].astype(np.int32),
            confidence=best[:, 0],
            ranked=best,
            ranked_true=order == rows.truth[:, None],
            out_of_scope_confidence=out_of_scope,
            near_confidence=near,
        )

    return ranked(inside), ranked(typed)


def _confidence(features: Features, weights: Weights) -> Floats:
    conditional, inside = weights.apply(features)
    return conditional * inside[:, None]


def _report(scorer: Scorer, found: OutOfFold, rows: Rows) -> dict[str, Any]:
    accuracies = {
        name: float((rows.inside.per_intent[:, :, feature].argmax(axis=1) == rows.truth).mean())
        for feature, name in enumerate(INTENT_FEATURES)
    }
    return {
        "measured_rows": len(rows.truth),
        "out_of_fold_accuracy": {**accuracies, "combined": float(found.right.mean())},
        "expected_calibration_error": calibration_error(found.confidence, found.right),
        "intent_weights": dict(zip(INTENT_FEATURES, scorer.intent_weights.tolist(), strict=True)),
        "scope_weights": dict(zip(SCOPE_FEATURES, scorer.scope_weights.tolist(), strict=True)),
    }


def _join(features: Sequence[Features]) -> Features:
    return Features(np.concatenate([v.per_intent for v in features]), np.concatenate([v.scope for v in features]))
