"""A bundle as it would be after an edit: its encoder, weights and thresholds stay, so nothing is trained."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from helpdesk.errors import BadInputError
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import NEAR_NEIGHBOURS, Scorer

NEW_ROW = "label:new"


def with_label(bundle: Bundle, key: str, vector: Vectors, intent: str) -> Bundle:
    """The bundle with one more labelled text: its key, its unit vector [dim] and what it means.

    An intent that the bundle lacks has the text by itself only; nothing near it is decided otherwise.
    """
    exact = {**bundle.exact, key: intent}
    if intent not in bundle.intents:
        return bundle.edited(exact=exact)
    number = np.int32(bundle.intents.index(intent))
    return bundle.edited(
        exact=exact,
        phrasing_ids=(*bundle.phrasing_ids, NEW_ROW),
        phrasing_keys=(*bundle.phrasing_keys, key),
        intent_of_row=np.append(bundle.intent_of_row, number),
        vectors=np.concatenate([bundle.vectors, vector[None, :]]),
        index=bundle.index.with_rows(vector[None, :]),
    )


def with_split(bundle: Bundle, intent: str, rows: Collection[str], new: str) -> Bundle:
    """The bundle with these rows of an intent, by their ids, as an intent of their own.

    Its linear head is that of the old one; centroid and density are those of the rows that each has then.
    Raises BadInputError when one of the two would have no row.
    """
    if intent not in bundle.intents:
        raise BadInputError(f"{intent!r} is not in the version in service; tonight's run will know it")
    old, number = bundle.intents.index(intent), len(bundle.intents)
    moved = np.array([row in rows for row in bundle.phrasing_ids]) & (bundle.intent_of_row == old)
    if not moved.any() or not ((bundle.intent_of_row == old) & ~moved).any():
        raise BadInputError(f"{int(moved.sum())} phrasings chosen of {intent!r}; expected some, and not all")
    intent_of_row = np.where(moved, np.int32(number), bundle.intent_of_row)
    key_of = zip(bundle.phrasing_keys, moved, strict=True)
    moved_keys = {key for key, is_moved in key_of if is_moved}
    return bundle.edited(
        intents=(*bundle.intents, new),
        intent_of_row=intent_of_row,
        exact={key: new if key in moved_keys and said == intent else said for key, said in bundle.exact.items()},
        scorer=_scorer_with_split(bundle.scorer, bundle.vectors, intent_of_row, old),
    )


def _scorer_with_split(scorer: Scorer, vectors: Vectors, intent_of_row: NDArray[np.int32], old: int) -> Scorer:
    new = len(scorer.bias)
    centroids = np.concatenate([scorer.centroids, scorer.centroids[old : old + 1]])
    density = np.append(scorer.density, scorer.density[old])
    for intent in (old, new):
        rows = vectors[intent_of_row == intent]
        mean = rows.mean(axis=0)
        centroids[intent] = mean / np.linalg.norm(mean)
        density[intent] = _density(rows, vectors)
    return replace(
        scorer,
        head=np.concatenate([scorer.head, scorer.head[old : old + 1]]),
        bias=np.append(scorer.bias, scorer.bias[old]),
        centroids=centroids.astype(np.float32),
        density=density.astype(scorer.density.dtype),
    )


def _density(rows: Vectors, vectors: Vectors) -> float:
    """The mean similarity of rows to their ten nearest others."""
    others = min(NEAR_NEIGHBOURS, len(vectors) - 1)
    nearest = -np.sort(-(rows @ vectors.T), axis=1)[:, 1 : others + 1]
    return float(nearest.mean()) if others else 0.0
