"""Neighbours + vector -> calibrated confidence per intent, and for out of scope.

Three features of how well an intent fits (nearest phrasing, centroid, linear head) are combined by a conditional logit
(McFadden 1974): P(intent | in scope) = softmax(weights . features). Whether any intent fits at all is a logistic
regression on how familiar the message looks and how unusual its wording is. All weights are fitted per bundle on
out-of-fold rows."""

from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from helpdesk.errors import BundleError
from helpdesk.matching import wording
from helpdesk.matching.index import Neighbours, Vectors
from helpdesk.matching.probabilities import Floats, log_softmax, log_sum_exp, sigmoid, softmax
from helpdesk.matching.wording import ORDINARY, Codes, Spelled, Vocabulary
from helpdesk.threads import SYNTAX_TREES

NEIGHBOURS = 64
INTENT_FEATURES = ("nearest", "centroid", "head")
SCOPE_FEATURES = (
    "one",
    "nearest",
    "energy",
    "centroid",
    "out_of_scope",
    "top",
    "margin",
    "density",
    *wording.WORDING_FEATURES,
)
WORDING = slice(len(SCOPE_FEATURES) - len(wording.WORDING_FEATURES), None)
# Arrays as bundles called them before.
_RENAMED = {"view_weights": "intent_weights", "sign_weights": "scope_weights", "outside": "out_of_scope"}
NEAR_NEIGHBOURS = 10


@dataclass(frozen=True)
class Scores:
    """Calibrated probabilities: confidence [intents] sums to 1 - out_of_scope."""

    confidence: Floats
    out_of_scope: float


@dataclass(frozen=True)
class Features:
    """The features of messages, before any weight is applied: per_intent [n, intents, features], scope [n, scope].

    The scope `top` and `margin` depend on the view weights and are filled in by `Scorer`; those of the wording are
    filled in by whoever knows the text.
    """

    per_intent: NDArray[np.float32]
    scope: Floats


@dataclass(frozen=True)
class Scorer:
    """Everything scoring needs; arrays only.

    head [intents, dim] and bias [intents] of the linear head; centroids [intents, dim] of unit length; density
    [intents], the mean similarity of its phrasings to their ten nearest others of any intent; out_of_scope [m, dim]
    known out-of-scope vectors; words and letters of the phrasings' vocabulary; intent_weights [features];
    scope_weights [scope] of the in-scope logit."""

    head: Vectors
    bias: Vectors
    centroids: Vectors
    density: NDArray[np.float32]
    out_of_scope: Vectors
    words: Codes
    letters: Codes
    intent_weights: Floats
    scope_weights: Floats

    def score(
        self,
        vector: Vectors,
        neighbours: Neighbours,
        intent_of_row: NDArray[np.int32],
        *,
        spelled: Spelled | None = None,
    ) -> Scores:
        """Score one unit vector [dim] with its neighbours; intent_of_row [phrasings] names their intents.

        `spelled` are the words of the message; without them its wording counts as ordinary.
        """
        features = self._features_of_one(vector, neighbours.similarities, intent_of_row[neighbours.rows])
        features.scope[0, WORDING] = ORDINARY if spelled is None else self.vocabulary.features(spelled)
        conditional, inside = self.probabilities(features)
        return Scores(conditional[0] * inside[0], float(1.0 - inside[0]))

    def _features_of_one(
        self, vector: Vectors, similarities: NDArray[np.float32], intents: NDArray[np.int32]
    ) -> Features:
        """What `features` gives for one vector [dim], to the bit and in half the time; similarities [k] best first."""
        similarities = _without_nan(similarities)
        count = len(self.bias)
        products = self._stacked @ vector
        logits, centroids = products[:count] + self.bias, products[count : 2 * count]
        energy = log_sum_exp(logits[None])[0]
        scope = np.zeros((1, len(SCOPE_FEATURES)))
        scope[0, :4] = 1.0, similarities[0], energy, centroids.max()
        if len(self.out_of_scope):
            scope[0, 4] = products[2 * count :].max()
        scope[0, 7] = (similarities[:NEAR_NEIGHBOURS] - self.density[intents[:NEAR_NEIGHBOURS]]).mean()
        per_intent = np.empty((1, count, len(INTENT_FEATURES)), dtype=np.float32)
        per_intent[0, :, 0] = similarities[-1]
        per_intent[0, intents[::-1], 0] = similarities[::-1]  # the last of several, which is the best, stays
        per_intent[0, :, 1] = centroids
        per_intent[0, :, 2] = logits - energy
        return Features(per_intent, scope)

    def features(self, vectors: Vectors, similarities: NDArray[np.float32], intents: NDArray[np.int32]) -> Features:
        """The features of n unit vectors [n, dim], given their neighbours' similarities and intents [n, k], best first.

        A NaN similarity is no match.
        """
        similarities = _without_nan(similarities)
        count = len(self.bias)
        products = vectors @ self._stacked.T
        logits, centroids = products[:, :count] + self.bias, products[:, count : 2 * count]
        out_of_scope = products[:, 2 * count :].max(axis=1) if len(self.out_of_scope) else np.zeros(len(vectors))
        scope = np.zeros((len(vectors), len(SCOPE_FEATURES)))
        scope[:, 0] = 1.0
        scope[:, 1] = similarities[:, 0]
        scope[:, 2] = log_sum_exp(logits)
        scope[:, 3] = centroids.max(axis=1)
        scope[:, 4] = out_of_scope
        scope[:, 7] = (similarities[:, :NEAR_NEIGHBOURS] - self.density[intents[:, :NEAR_NEIGHBOURS]]).mean(axis=1)
        nearest = nearest_by_intent(similarities, intents, len(self.bias))
        per_intent = np.stack([nearest, centroids, log_softmax(logits)], axis=2)
        return Features(per_intent.astype(np.float32), scope)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The words and letters of the phrasings."""
        return Vocabulary(self.words, self.letters)

    @cached_property
    def _stacked(self) -> Vectors:
        """Head, centroids and out_of_scope in one matrix, for one product a message."""
        return np.concatenate([self.head, self.centroids, self.out_of_scope])

    def probabilities(self, features: Features) -> tuple[Floats, Floats]:
        """P(intent | in scope) [n, intents] and P(in scope) [n]."""
        conditional = softmax(features.per_intent @ self.intent_weights)
        return conditional, sigmoid(with_certainty(features.scope, conditional) @ self.scope_weights)

    def save(self, path: Path) -> None:
        """Write the arrays as .npz."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "Scorer":
        """Read what `save` wrote. Raises BundleError when an array is missing, misshapen or not finite."""
        with SYNTAX_TREES, np.load(path, allow_pickle=False) as stored:
            names = [field.name for field in fields(cls)]
            found = {_RENAMED.get(name, name): stored[name] for name in stored}
            missing = [name for name in names if name not in found]
            if missing:
                raise BundleError(f"{path.name} lacks {', '.join(missing)}")
            scorer = cls(**{name: found[name] for name in names})
        if scorer.head.shape != scorer.centroids.shape or len(scorer.bias) != len(scorer.head):
            raise BundleError(f"{path.name}: head {scorer.head.shape} and centroids {scorer.centroids.shape} differ")
        if scorer.density.shape != scorer.bias.shape:
            raise BundleError(f"{path.name}: density {scorer.density.shape} and bias {scorer.bias.shape} differ")
        if not all(np.isfinite(getattr(scorer, name)).all() for name in names):
            raise BundleError(f"{path.name} holds NaN or infinity")
        return scorer


def _without_nan(similarities: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isnan(similarities), np.float32(-1.0), similarities)


def with_certainty(scope: Floats, conditional: Floats) -> Floats:
    """The scope [n, scope] with `top` and `margin` filled in: log P of the best intent, and its lead."""
    ordered = np.sort(conditional, axis=1)[:, ::-1]
    second = ordered[:, 1] if conditional.shape[1] > 1 else np.zeros(len(conditional))
    filled = scope.copy()
    filled[:, 5] = np.log(ordered[:, 0] + 1e-9)
    filled[:, 6] = ordered[:, 0] - second
    return filled


def nearest_by_intent(similarities: NDArray[np.float32], intents: NDArray[np.int32], count: int) -> Floats:
    """The best similarity per intent [n, count], the furthest neighbour's where an intent has none among them."""
    nearest = np.repeat(similarities[:, -1:].astype(np.float64), count, axis=1)
    np.maximum.at(nearest, (np.arange(len(similarities))[:, None], intents), similarities)
    return nearest
