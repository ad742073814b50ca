"""Fit a scorer: heads and centroids on all rows, the weights that combine them on out-of-fold rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from helpdesk.learning.folds import Fold, Intents, Ints
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import NEIGHBOURS, SIGNS, VIEWS, Floats, Scorer, Views, with_certainty

HEAD_C = 20.0
OOS_WEIGHT = 0.25  # of known out-of-scope rows, per in-scope row
NEAR_OOS_WEIGHT = 0.05  # of rows whose own intent is taken away
_RIDGE = 1e-3
_FIT_ROWS = 4000
_ECE_BINS = 15


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold results: per measured row its position, true and best intent, ranked confidences [n, 4].

    `ranked_true` [n, 4] marks where in the ranking the true intent stands; oos_confidence is that of the best intent
    of each known out-of-scope message.
    """

    rows: Ints
    truth: Intents
    best: Intents
    confidence: Floats
    ranked: Floats
    ranked_true: NDArray[np.bool_]
    oos_confidence: Floats

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether the best intent is the true one."""
        hits: NDArray[np.bool_] = self.truth == self.best
        return hits


@dataclass(frozen=True)
class FittedScorer:
    """A scorer, what it gave on rows it never saw, and figures for the report.

    unseen: per fold the scorer that never saw the fold's test rows, with the weights of `scorer`.
    """

    scorer: Scorer
    out_of_fold: OutOfFold
    report: dict[str, Any]
    unseen: tuple[Scorer, ...]


def fit_scorer(
    vectors: Vectors, intents: Intents, oos_vectors: Vectors, folds: Sequence[Fold], *, seed: int
) -> FittedScorer:
    """Fit on unit vectors [n, dim] with intents [n] (numbers from 0, each present) and measure on the folds."""
    count = int(intents.max()) + 1
    measured = [_measure(fold, count) for fold in folds]
    inside = _join([m.inside for m in measured])
    truth = np.concatenate([fold.test_intents for fold in folds])
    view_weights = _fit_view_weights(inside.per_intent, truth, seed=seed)
    sign_weights = _fit_sign_weights(measured, truth, view_weights)
    scorer = replace(_parts(vectors, intents, oos_vectors, count), view_weights=view_weights, sign_weights=sign_weights)
    found = _out_of_fold(scorer, folds, measured, inside, truth)
    unseen = tuple(replace(m.parts, view_weights=view_weights, sign_weights=sign_weights) for m in measured)
    return FittedScorer(scorer, found, _report(scorer, found, inside, truth), unseen)


def refit(scorer: Scorer, vectors: Vectors, intents: Intents, oos_vectors: Vectors) -> Scorer:
    """A scorer over other rows with the same weights: its head and centroids are fitted anew, as `fit_scorer` does.

    Vectors [n, dim] with intents [n], two different ones at least; an intent without rows can never win.
    """
    parts = _parts(vectors, intents, oos_vectors, len(scorer.bias))
    return replace(parts, view_weights=scorer.view_weights, sign_weights=scorer.sign_weights)


@dataclass(frozen=True)
class _Measured:
    parts: Scorer
    inside: Views
    outside: Views
    near: Views
    near_intents: Intents


def _measure(fold: Fold, count: int) -> _Measured:
    """Views of a fold's test rows, of known out-of-scope rows, and of test rows whose own intent is taken away."""
    order = np.arange(len(fold.oos_vectors))
    halves = [order % 2 == 0, order % 2 == 1]
    parts = _parts(fold.train_vectors, fold.train_intents, fold.oos_vectors, count)
    outside = [_views(replace(parts, outside=fold.oos_vectors[~half]), fold, fold.oos_vectors[half]) for half in halves]
    return _Measured(
        parts=parts,
        inside=_views(parts, fold, fold.test_vectors),
        outside=_join(outside),
        near=_views(parts, fold, fold.test_vectors, without=fold.test_intents),
        near_intents=fold.test_intents,
    )


def _views(parts: Scorer, fold: Fold, vectors: Vectors, *, without: Intents | None = None) -> Views:
    """Views of unit vectors against a fold's training rows; `without` [n] hides each row's own intent."""
    similarities = vectors @ fold.train_vectors.T
    if without is not None:
        similarities = np.where(fold.train_intents[None, :] == without[:, None], -1.0, similarities)
    k = min(NEIGHBOURS, similarities.shape[1])
    nearest = np.argsort(-similarities, axis=1)[:, :k]
    views = parts.views(vectors, np.take_along_axis(similarities, nearest, axis=1), fold.train_intents[nearest])
    if without is not None:
        views.per_intent[np.arange(len(vectors)), without] = -50.0
        hidden = vectors @ parts.head.T + parts.bias
        hidden[np.arange(len(vectors)), without] = -50.0
        views.signs[:, SIGNS.index("energy")] = np.log(np.exp(hidden).sum(axis=1))
    return views


def _parts(vectors: Vectors, intents: Intents, oos_vectors: Vectors, count: int) -> Scorer:
    """Head, centroids and out-of-scope vectors; weights still empty."""
    head, bias = _fit_head(vectors, intents, count)
    return Scorer(
        head=head,
        bias=bias,
        centroids=_centroids(vectors, intents, count),
        outside=oos_vectors,
        view_weights=np.zeros(len(VIEWS)),
        sign_weights=np.zeros(len(SIGNS)),
    )


def _fit_head(vectors: Vectors, intents: Intents, count: int) -> tuple[Vectors, Vectors]:
    """Multinomial logistic regression; an intent without rows gets a bias it can never win with."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(intents)
    model = LogisticRegression(C=HEAD_C, max_iter=300, tol=1e-3).fit(vectors, intents)
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


def _fit_view_weights(per_intent: NDArray[np.float32], truth: Intents, *, seed: int) -> Floats:
    """Non-negative weights of the views that maximise the likelihood of the true intents out of fold."""
    chosen = np.random.default_rng(seed).permutation(len(truth))[:_FIT_ROWS]
    views, rows = per_intent[chosen].astype(np.float64), np.arange(len(chosen))

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = views @ weights
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares = shifted / shifted.sum(axis=1, keepdims=True)
        true = shares[rows, truth[chosen]]
        expected = np.einsum("ni,niv->nv", shares, views)
        gradient = (expected - views[rows, truth[chosen]]).mean(axis=0) + 2 * _RIDGE * weights
        return float(-np.log(true + 1e-12).mean() + _RIDGE * weights @ weights), gradient

    return _minimise(loss, np.array([5.0, 0.5, 5.0, 0.5]), bounds=[(0.0, None)] * len(VIEWS))


def _fit_sign_weights(measured: Sequence[_Measured], truth: Intents, view_weights: Floats) -> Floats:
    """Logistic regression of in scope against out of scope on the signs of familiarity."""
    weigh = _weigher(view_weights)
    inside = np.concatenate([weigh(m.inside) for m in measured])
    near = np.concatenate([weigh(m.near) for m in measured])
    outside = np.concatenate([weigh(m.outside) for m in measured])
    signs = np.concatenate([inside, near, outside])
    target = np.r_[np.ones(len(inside)), np.zeros(len(near) + len(outside))]
    weight = np.r_[
        np.ones(len(inside)),
        np.full(len(near), NEAR_OOS_WEIGHT * len(inside) / max(1, len(near))),
        np.full(len(outside), OOS_WEIGHT * len(inside) / max(1, len(outside))),
    ]
    weight = weight / weight.sum()
    centre, scale = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    centre[0], scale[0] = 0.0, 1.0
    standard = (signs - centre) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        logits = standard @ weights
        p = 1.0 / (1.0 + np.exp(-np.clip(logits, -30, 30)))
        likelihood = weight @ (np.logaddexp(0.0, logits) - target * logits)
        gradient = standard.T @ (weight * (p - target)) + 2 * _RIDGE * np.r_[0.0, weights[1:]]
        return float(likelihood + _RIDGE * weights[1:] @ weights[1:]), gradient

    fitted = _minimise(loss, np.zeros(len(SIGNS)))
    weights: Floats = fitted / scale
    weights[0] = fitted[0] - (fitted[1:] * centre[1:] / scale[1:]).sum()
    return weights


def _weigher(view_weights: Floats) -> Callable[[Views], Floats]:
    def weigh(views: Views) -> Floats:
        logits = views.per_intent @ view_weights
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        return with_certainty(views.signs, shifted / shifted.sum(axis=1, keepdims=True))

    return weigh


def _minimise(
    loss: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    *,
    bounds: list[tuple[float, None]] | None = None,
) -> Floats:
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found


def _out_of_fold(
    scorer: Scorer, folds: Sequence[Fold], measured: Sequence[_Measured], inside: Views, truth: Intents
) -> OutOfFold:
    conditional, familiar = scorer.probabilities(inside)
    confidence = conditional * familiar[:, None]
    order = np.argsort(-confidence, axis=1, kind="stable")[:, :4]
    outside_conditional, outside_familiar = scorer.probabilities(_join([m.outside for m in measured]))
    return OutOfFold(
        rows=np.concatenate([fold.test_rows for fold in folds]),
        truth=truth,
        best=order[:, 0].astype(np.int32),
        confidence=np.take_along_axis(confidence, order[:, :1], axis=1)[:, 0],
        ranked=np.take_along_axis(confidence, order, axis=1),
        ranked_true=order == truth[:, None],
        oos_confidence=outside_conditional.max(axis=1, initial=0.0) * outside_familiar,
    )


def _report(scorer: Scorer, found: OutOfFold, inside: Views, truth: Intents) -> dict[str, Any]:
    accuracies = {
        name: float((inside.per_intent[:, :, view].argmax(axis=1) == truth).mean()) for view, name in enumerate(VIEWS)
    }
    return {
        "measured_rows": len(truth),
        "out_of_fold_accuracy": {**accuracies, "combined": float(found.right.mean())},
        "expected_calibration_error": calibration_error(found.confidence, found.right),
        "view_weights": dict(zip(VIEWS, scorer.view_weights.tolist(), strict=True)),
        "sign_weights": dict(zip(SIGNS, scorer.sign_weights.tolist(), strict=True)),
    }


def calibration_error(confidence: Floats, right: NDArray[np.bool_], *, bins: int = _ECE_BINS) -> float:
    """Expected calibration error over equal-mass bins (Naeini et al. 2015; Nguyen and O'Connor 2015)."""
    order = np.argsort(confidence, kind="stable")
    gaps = [
        len(part) * abs(float(confidence[part].mean()) - float(right[part].mean()))
        for part in np.array_split(order, bins)
        if len(part)
    ]
    return sum(gaps) / max(1, len(order))


def _join(views: Sequence[Views]) -> Views:
    return Views(np.concatenate([v.per_intent for v in views]), np.concatenate([v.signs for v in views]))
