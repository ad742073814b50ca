"""Texts that are known by themselves: those of the bundle, and those that editors added since it was built."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.bundle import Bundle
from helpdesk.matching.decide import MAX_OPTIONS, Decision, Ranked
from helpdesk.matching.index import Vectors
from helpdesk.text import OUT_OF_SCOPE

NEW_PHRASING_SIMILARITY = 0.9
AS_NEAR = 0.01  # cosines this close to each other do not tell which of two entries is meant


@dataclass(frozen=True)
class Additions:
    """Phrasings that were added since the bundle was built, and those that were taken away. Until the next night the
    former match exactly, or almost, and the latter not exactly.

    exact: text key -> the entries that have the text, those of the bundle included, none where it was taken away;
    vectors [n, dim] with such entries and the id of each row; removed: ids of the bundle's rows that are gone.
    """

    exact: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), dtype=np.float32))
    intents: tuple[tuple[str, ...], ...] = ()
    ids: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()

    def having(self, key: str, bundle: Bundle) -> tuple[str, ...]:
        """The entries that have the text with this key as a phrasing."""
        return self.exact[key] if key in self.exact else bundle.having.get(key, ())


def decide_known(
    key: str, bundle: Bundle, additions: Additions, *, published: Collection[str] | None
) -> Decision | None:
    """The decision about the text with this key, None when it is not known.

    What several published entries have is nobody's: it asks which one is meant.
    """
    said = bundle.exact.get(key) if key not in additions.exact else None
    if said == OUT_OF_SCOPE:
        reason = DecisionReason.KNOWN_OUT_OF_SCOPE
        return Decision(DecisionKind.FALLBACK, (), (), reason, bundle.thresholds, out_of_scope=1.0)
    having = additions.having(key, bundle)
    found = _open([said], published) if said is not None else ()
    found = found or _open(having, published)
    if not found:
        return None
    ranking = tuple(Ranked(intent, 1 / len(found), None, 1.0) for intent in found)
    if len(found) > 1:
        return Decision(
            DecisionKind.CLARIFY, ranking, found[:MAX_OPTIONS], DecisionReason.SHARED_TEXT, bundle.thresholds
        )
    return Decision(DecisionKind.ANSWER, ranking, (), DecisionReason.EXACT, bundle.thresholds)


def with_additions(
    decision: Decision, vector: Vectors, additions: Additions, *, published: Collection[str] | None
) -> Decision:
    """Answer with an added phrasing when it is nearly the message, and nearer than every phrasing of the bundle; ask,
    when other entries have one that is as near."""
    added = _nearest_added(vector, additions, published)
    near = {
        ranked.intent: ranked
        for ranked in decision.ranking
        if ranked.similarity is not None and ranked.nearest not in additions.removed
    }
    for intent, ranked in added.items():
        if intent not in near or _similarity(ranked) >= _similarity(near[intent]):
            near[intent] = ranked
    order = sorted(near.values(), key=_similarity, reverse=True)
    meant = [ranked for ranked in order if _similarity(ranked) >= _similarity(order[0]) - AS_NEAR]
    new = [ranked for ranked in meant if ranked is added.get(ranked.intent)]
    if not new:
        return decision
    others = [ranked for ranked in decision.ranking if ranked.intent not in {one.intent for one in meant}]
    if len(meant) == 1:
        confidence = min(1.0, max([_similarity(meant[0]), *(ranked.confidence for ranked in others)]))
        ranking = (replace(meant[0], confidence=confidence), *others)
        return replace(
            decision, kind=DecisionKind.ANSWER, ranking=ranking, options=(), reason=DecisionReason.NEW_PHRASING
        )
    return replace(
        decision,
        kind=DecisionKind.CLARIFY,
        ranking=(*(replace(ranked, confidence=1 / len(meant)) for ranked in meant), *others),
        options=tuple(ranked.intent for ranked in meant[:MAX_OPTIONS]),
        reason=DecisionReason.SHARED_TEXT,
    )


def _nearest_added(vector: Vectors, additions: Additions, published: Collection[str] | None) -> dict[str, Ranked]:
    """Of each published entry its nearest added phrasing that is nearly the message."""
    if not additions.intents:
        return {}
    similarities = additions.vectors @ vector
    rows = np.flatnonzero(similarities >= NEW_PHRASING_SIMILARITY)
    return {
        intent: Ranked(intent, 0.0, additions.ids[row], float(similarities[row]))
        for row in rows[np.argsort(similarities[rows], kind="stable")]
        for intent in _open(additions.intents[row], published)
    }


def _similarity(ranked: Ranked) -> float:
    return ranked.similarity or 0.0


def _open(intents: Sequence[str], published: Collection[str] | None) -> tuple[str, ...]:
    return tuple(intent for intent in intents if published is None or intent in published)
