"""The few numbers that combine views and signs into calibrated confidence. Numeric only; rows must be out of fold."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from helpdesk.learning.calibration.folds import Intents
from helpdesk.matching import wording
from helpdesk.matching.probabilities import Floats, sigmoid, softmax
from helpdesk.matching.scorer import SIGNS, VIEWS, Views, with_certainty

OOS_WEIGHT = 0.5  # of known out-of-scope rows, per in-scope row
NEAR_WEIGHT = 0.05  # of rows whose own intent is taken away
TEMPER_SHARE = 0.25  # of known out-of-scope rows when confidence is put on the scale of being right
_RIDGE = 4e-3
_PRIOR = np.array([5.0, 0.3, 3.0, 1.2])  # what many data sets settle near
_PRIOR_ROWS = 2.0
_FIT_ROWS = 4000
_STRANGE = ("outside", *wording.SIGNS)
_ALLOWED = {"one": (None, None)} | dict.fromkeys(_STRANGE, (None, 0.0))


@dataclass(frozen=True)
class Rows:
    """Views of n out-of-fold rows: in scope with their intents, the same rows with their own intent left out, and known
    out-of-scope messages."""

    inside: Views
    truth: Intents
    near: Views
    outside: Views

    def take(self, inside: NDArray[np.bool_], outside: NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(take(self.inside, inside), self.truth[inside], take(self.near, inside), take(self.outside, outside))


@dataclass(frozen=True)
class Weights:
    """What `Scorer` multiplies views and signs with."""

    views: Floats
    signs: Floats

    def apply(self, views: Views) -> tuple[Floats, Floats]:
        """P(intent | in scope) [n, intents] and P(in scope) [n]."""
        return conditional(views, self.views), sigmoid(_familiarity(views, self))


def fit_weights(rows: Rows, *, seed: int) -> Weights:
    """View weights, then sign weights given those, then the calibration of the latter."""
    chosen = np.random.default_rng(seed).permutation(len(rows.truth))[:_FIT_ROWS]
    view_weights = _fit_view_weights(rows.inside.per_intent[chosen], rows.truth[chosen])
    sign_weights = _fit_sign_weights(rows, view_weights)
    return Weights(view_weights, _tempered(rows, Weights(view_weights, sign_weights)))


def _fit_view_weights(per_intent: NDArray[np.float32], truth: Intents) -> Floats:
    """Non-negative weights that maximise the likelihood of the true intents, close to the prior when rows are few."""
    views, rows = per_intent.astype(np.float64), np.arange(len(truth))
    scale = views.std(axis=1).mean(axis=0)
    ridge = _PRIOR_ROWS / len(truth)

    def loss(weights: Floats) -> tuple[float, Floats]:
        shares = softmax(views @ weights)
        expected = np.einsum("ni,niv->nv", shares, views)
        away = (weights - _PRIOR) * scale
        gradient = (expected - views[rows, truth]).mean(axis=0) + 2 * ridge * away * scale
        return float(-np.log(shares[rows, truth] + 1e-12).mean() + ridge * away @ away), gradient

    return _minimise(loss, _PRIOR, bounds=[(0.0, None)] * len(VIEWS))


def _fit_sign_weights(rows: Rows, view_weights: Floats) -> Floats:
    """Logistic regression of in scope against out of scope on the signs of familiarity.

    Each weight is positive or negative by what it means: from misspelt phrasings and well-spelt shipped messages the
    regression must not learn that unusual wording means in scope.
    """
    parts = [_filled(views, view_weights) for views in (rows.inside, rows.near, rows.outside)]
    sizes = [len(part) for part in parts]
    shares = (1.0, NEAR_WEIGHT, OOS_WEIGHT)
    weight = np.concatenate([np.full(n, share / max(1, n)) for n, share in zip(sizes, shares, strict=True)])
    target = np.repeat([1.0, 0.0, 0.0], sizes)
    weight, signs = weight / weight.sum(), np.concatenate(parts)
    centre, scale = signs.mean(axis=0), signs.std(axis=0) + 1e-6
    centre[0], scale[0] = 0.0, 1.0
    standard = (signs - centre) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = _logistic(standard @ weights, target, weight)
        held = np.r_[0.0, weights[1:]]
        return value + _RIDGE * float(held @ held), standard.T @ slope + 2 * _RIDGE * held

    fitted = _minimise(loss, np.zeros(len(SIGNS)), bounds=[_ALLOWED.get(sign, (0.0, None)) for sign in SIGNS])
    weights: Floats = fitted / scale
    weights[0] = fitted[0] - (fitted[1:] * centre[1:] / scale[1:]).sum()
    return weights


def _tempered(rows: Rows, weights: Weights) -> Floats:
    """Sign weights scaled and shifted so that confidence is the probability of being right (Platt 1999).

    Out-of-scope messages get a small fixed weight: their share of traffic is unknown here, and the answer threshold
    takes it into account later.
    """
    inside, outside = conditional(rows.inside, weights.views), conditional(rows.outside, weights.views)
    right = inside.argmax(axis=1) == rows.truth
    top = np.log(np.r_[inside.max(axis=1), outside.max(axis=1, initial=0.0)] + 1e-12)
    z = np.r_[_familiarity(rows.inside, weights), _familiarity(rows.outside, weights)]
    target = np.r_[right.astype(float), np.zeros(len(outside))]
    weight = np.r_[np.ones(len(inside)), np.full(len(outside), TEMPER_SHARE * len(inside) / max(1, len(outside)))]
    weight = weight / weight.sum()

    def loss(pair: Floats) -> tuple[float, Floats]:
        logits = pair[0] + pair[1] * z
        log_confidence = np.minimum(top - np.logaddexp(0.0, -logits), -1e-9)
        missed = -np.expm1(log_confidence)
        value = -weight @ (target * log_confidence + (1 - target) * np.log(missed))
        slope = -weight * (target - (1 - target) * np.exp(log_confidence) / missed) * (1 - sigmoid(logits))
        held = pair - (0.0, 1.0)
        return float(value + _RIDGE * held @ held), np.array([slope.sum(), slope @ z]) + 2 * _RIDGE * held

    shift, factor = _minimise(loss, np.array([0.0, 1.0]), bounds=[(None, None), (0.1, None)])
    tempered: Floats = weights.signs * factor
    tempered[0] += shift
    return tempered


def conditional(views: Views, view_weights: Floats) -> Floats:
    """P(intent | in scope) [n, intents]."""
    return softmax(views.per_intent @ view_weights)


def _filled(views: Views, view_weights: Floats) -> Floats:
    return with_certainty(views.signs, conditional(views, view_weights))


def _familiarity(views: Views, weights: Weights) -> Floats:
    logits: Floats = _filled(views, weights.views) @ weights.signs
    return logits


def _logistic(logits: Floats, target: Floats, weight: Floats) -> tuple[float, Floats]:
    value = float(weight @ (np.logaddexp(0.0, logits) - target * logits))
    return value, weight * (sigmoid(logits) - target)


def take(views: Views, chosen: NDArray[Any]) -> Views:
    """Some of the rows, by mask or position."""
    return Views(views.per_intent[chosen], views.signs[chosen])


def _minimise(
    loss: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    *,
    bounds: list[tuple[float | None, float | None]] | None = None,
) -> Floats:
    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found
