"""The few numbers that combine features and scope into calibrated confidence. Numeric only; rows must be out of
fold.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from helpdesk.learning.calibration.folds import Intents
from helpdesk.matching import wording
from helpdesk.matching.probabilities import Floats, sigmoid, softmax
from helpdesk.matching.scorer import INTENT_FEATURES, SCOPE_FEATURES, Features, with_certainty

OUT_OF_SCOPE_WEIGHT = 0.5  # of known out-of-scope rows, per in-scope row
NEAR_WEIGHT = 0.05  # of rows whose own intent is taken away
TEMPER_SHARE = 0.25  # of known out-of-scope rows when confidence is put on the scale of being right
_RIDGE = 4e-3
_PRIOR = np.array([5.0, 3.0, 1.2])  # what many data sets settle near
_PRIOR_ROWS = 2.0
_FIT_ROWS = 4000
_STRANGE = ("out_of_scope", *wording.WORDING_FEATURES)
_ALLOWED = {"one": (None, None)} | dict.fromkeys(_STRANGE, (None, 0.0))


@dataclass(frozen=True)
class Rows:
    """Features of n out-of-fold rows: in scope with their intents, the same rows with their own intent left out, and
    known out-of-scope messages; and the first as they may be typed, to which nothing is fitted.
    """

    inside: Features
    truth: Intents
    near: Features
    out_of_scope: Features
    typed: Features

    def take(self, inside: NDArray[np.bool_], out_of_scope: NDArray[np.bool_]) -> "Rows":
        """Some of the rows."""
        return Rows(
            take(self.inside, inside),
            self.truth[inside],
            take(self.near, inside),
            take(self.out_of_scope, out_of_scope),
            take(self.typed, inside),
        )


@dataclass(frozen=True)
class Weights:
    """What `Scorer` multiplies features and scope with."""

    intent: Floats
    scope: Floats

    def apply(self, features: Features) -> tuple[Floats, Floats]:
        """P(intent | in scope) [n, intents] and P(in scope) [n]."""
        return conditional(features, self.intent), sigmoid(_familiarity(features, self))


def fit_weights(rows: Rows, *, seed: int) -> Weights:
    """View weights, then sign weights given those, then the calibration of the latter."""
    chosen = np.random.default_rng(seed).permutation(len(rows.truth))[:_FIT_ROWS]
    intent_weights = _fit_intent_weights(rows.inside.per_intent[chosen], rows.truth[chosen])
    scope_weights = _fit_scope_weights(rows, intent_weights)
    return Weights(intent_weights, _tempered(rows, Weights(intent_weights, scope_weights)))


def _fit_intent_weights(per_intent: NDArray[np.float32], truth: Intents) -> Floats:
    """Non-negative weights that maximise the likelihood of the true intents, close to the prior when rows are few."""
    features, rows = per_intent.astype(np.float64), np.arange(len(truth))
    scale = features.std(axis=1).mean(axis=0)
    ridge = _PRIOR_ROWS / len(truth)

    def loss(weights: Floats) -> tuple[float, Floats]:
        shares = softmax(features @ weights)
        expected = np.einsum("ni,niv->nv", shares, features)
        away = (weights - _PRIOR) * scale
        gradient = (expected - features[rows, truth]).mean(axis=0) + 2 * ridge * away * scale
        return float(-np.log(shares[rows, truth] + 1e-12).mean() + ridge * away @ away), gradient

    return _minimise(loss, _PRIOR, bounds=[(0.0, None)] * len(INTENT_FEATURES))


def _fit_scope_weights(rows: Rows, intent_weights: Floats) -> Floats:
    """Logistic regression of in scope against out of scope on the scope of familiarity.

    Each weight is positive or negative by what it means: from misspelt phrasings and well-spelt shipped messages the
    regression must not learn that unusual wording means in scope.
    """
    parts = [_filled(features, intent_weights) for features in (rows.inside, rows.near, rows.out_of_scope)]
    sizes = [len(part) for part in parts]
    shares = (1.0, NEAR_WEIGHT, OUT_OF_SCOPE_WEIGHT)
    weight = np.concatenate([np.full(n, share / max(1, n)) for n, share in zip(sizes, shares, strict=True)])
    target = np.repeat([1.0, 0.0, 0.0], sizes)
    weight, scope = weight / weight.sum(), np.concatenate(parts)
    centre, scale = scope.mean(axis=0), scope.std(axis=0) + 1e-6
    centre[0], scale[0] = 0.0, 1.0
    standard = (scope - centre) / scale

    def loss(weights: Floats) -> tuple[float, Floats]:
        value, slope = _logistic(standard @ weights, target, weight)
        held = np.r_[0.0, weights[1:]]
        return value + _RIDGE * float(held @ held), standard.T @ slope + 2 * _RIDGE * held

    fitted = _minimise(
        loss, np.zeros(len(SCOPE_FEATURES)), bounds=[_ALLOWED.get(name, (0.0, None)) for name in SCOPE_FEATURES]
    )
    weights: Floats = fitted / scale
    weights[0] = fitted[0] - (fitted[1:] * centre[1:] / scale[1:]).sum()
    return weights


def _tempered(rows: Rows, weights: Weights) -> Floats:
    """Sign weights scaled and shifted so that confidence is the probability of being right (Platt 1999).

    Out-of-scope messages get a small fixed weight: their share of traffic is unknown here, and the answer threshold
    takes it into account later.
    """
    inside, out_of_scope = conditional(rows.inside, weights.intent), conditional(rows.out_of_scope, weights.intent)
    right = inside.argmax(axis=1) == rows.truth
    top = np.log(np.r_[inside.max(axis=1), out_of_scope.max(axis=1, initial=0.0)] + 1e-12)
    z = np.r_[_familiarity(rows.inside, weights), _familiarity(rows.out_of_scope, weights)]
    target = np.r_[right.astype(float), np.zeros(len(out_of_scope))]
    weight = np.r_[
        np.ones(len(inside)), np.full(len(out_of_scope), TEMPER_SHARE * len(inside) / max(1, len(out_of_scope)))
    ]
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
    tempered: Floats = weights.scope * factor
    tempered[0] += shift
    return tempered


def conditional(features: Features, intent_weights: Floats) -> Floats:
    """P(intent | in scope) [n, intents]."""
    return softmax(features.per_intent @ intent_weights)


def _filled(features: Features, intent_weights: Floats) -> Floats:
    return with_certainty(features.scope, conditional(features, intent_weights))


def _familiarity(features: Features, weights: Weights) -> Floats:
    logits: Floats = _filled(features, weights.intent) @ weights.scope
    return logits


def _logistic(logits: Floats, target: Floats, weight: Floats) -> tuple[float, Floats]:
    value = float(weight @ (np.logaddexp(0.0, logits) - target * logits))
    return value, weight * (sigmoid(logits) - target)


def take(features: Features, chosen: NDArray[Any]) -> Features:
    """Some of the rows, by mask or position."""
    return Features(features.per_intent[chosen], features.scope[chosen])


def _minimise(
    loss: Callable[[Floats], tuple[float, Floats]],
    start: Floats,
    *,
    bounds: list[tuple[float | None, float | None]] | None = None,
) -> Floats:
    from scipy.optimize import minimize

    found: Floats = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    return found
