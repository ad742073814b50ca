"""What a bundle would decide if it had never learnt a text."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from helpdesk.errors import BadInputError
from helpdesk.learning.calibration.scorer_fit import refit
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Index
from helpdesk.matching.matcher import Matcher


def decide_without(bundle: Bundle, text: str, *, key: str, published: Collection[str] | None = None) -> Decision:
    """Decide a text among the published intents (None: all) as if no row had the text with this key.

    An intent left without rows cannot be chosen.
    """
    left = without_text(bundle, key)
    alive = {left.intents[number] for number in left.intent_of_row}
    return Matcher(left, cache_size=1).match(text, published=alive if published is None else alive & set(published))


def without_text(bundle: Bundle, key: str) -> Bundle:
    """The bundle as if no row had the text with this key.

    Search, the exact table, the linear head, the intents' centroids and densities and the known out-of-scope messages
    are exactly what they would be under this encoder. The encoder, the weights of the features and the thresholds stay
    as they were fitted with the text; only building a new bundle would change them.

    Raises BadInputError when fewer than two intents would be left.
    """
    kept = np.array([known != key for known in bundle.phrasing_keys])
    vectors, intent_of_row = np.ascontiguousarray(bundle.vectors[kept]), bundle.intent_of_row[kept]
    if len(np.unique(intent_of_row)) < 2:
        raise BadInputError("without this text fewer than two intents would have phrasings")
    out_of_scope = np.array([known != key for known in bundle.out_of_scope_keys], dtype=bool)
    return replace(
        bundle,
        phrasing_ids=_kept(bundle.phrasing_ids, kept),
        phrasing_keys=_kept(bundle.phrasing_keys, kept),
        out_of_scope_keys=_kept(bundle.out_of_scope_keys, out_of_scope),
        intent_of_row=intent_of_row,
        exact={known: intent for known, intent in bundle.exact.items() if known != key},
        vectors=vectors,
        index=Index(vectors),
        scorer=refit(bundle.scorer, vectors, intent_of_row, bundle.scorer.out_of_scope[out_of_scope]),
    )


def _kept(names: tuple[str, ...], kept: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(name for name, stays in zip(names, kept, strict=True) if stays)
