"""Confidences + thresholds -> answer, clarify or fallback. Pure."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from helpdesk.decisions import ANSWERS, CHOSEN, DecisionKind, DecisionReason

MAX_OPTIONS = 4


@dataclass(frozen=True)
class Thresholds:
    """Fitted per bundle. A threshold above 1 is never reached.

    answer: the confidence from which the best intent is answered directly.
    clarify: the summed confidence of the best two to four intents from which a clarifying question is asked.
    """

    answer: float
    clarify: float


@dataclass(frozen=True)
class Ranked:
    """One intent in the ranking: calibrated confidence, its nearest phrasing's id and cosine similarity; understood:
    the part of the message that asks it, None when that is the whole of it."""

    intent: str
    confidence: float
    nearest: str | None = None
    similarity: float | None = None
    understood: str | None = None


@dataclass(frozen=True)
class Decision:
    """What to do with a message, and the ranking, reason and thresholds behind it. unanswered: the questions of the
    message that it does not answer, as they were typed, where others are."""

    kind: DecisionKind
    ranking: tuple[Ranked, ...]
    options: tuple[str, ...]
    reason: DecisionReason
    thresholds: Thresholds | None = None
    out_of_scope: float = 0.0
    unanswered: tuple[str, ...] = ()

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents that are answered: none unless kind is `answer`, several when it asked as many questions."""
        if self.kind != DecisionKind.ANSWER:
            return ()
        return tuple(ranked.intent for ranked in self.ranking[: ANSWERS.get(self.reason, 1)])

    @property
    def intent(self) -> str | None:
        """The intent that is answered first, None unless kind is `answer`."""
        return self.intents[0] if self.intents else None

    @property
    def confidence(self) -> float:
        """Probability that the answer is right (of several answers, that all are); without an answer, that of the best
        intent, 0 when there is none."""
        if len(self.intents) > 1:
            return math.prod(ranked.confidence for ranked in self.ranking[: len(self.intents)])
        return self.ranking[0].confidence if self.ranking else 0.0

    def columns(self) -> dict[str, Any]:
        """The same as columns of the decisions table, without ids."""
        return {
            "kind": self.kind,
            "intent": self.intent,
            "confidence": self.confidence,
            "out_of_scope": self.out_of_scope,
            "reason": self.reason,
            "ranking": [_rounded(ranked) for ranked in self.ranking],
            "options": list(self.options),
            "thresholds": vars(self.thresholds) if self.thresholds else {},
        }


def decide(ranking: Sequence[Ranked], thresholds: Thresholds, *, out_of_scope: float = 0.0) -> Decision:
    """Answer, clarify or fall back on a ranking sorted by confidence. NaN never passes a threshold."""
    ranked = tuple(ranking)
    if ranked and ranked[0].confidence >= thresholds.answer:
        return Decision(DecisionKind.ANSWER, ranked, (), DecisionReason.CONFIDENT, thresholds, out_of_scope)
    options = _smallest_set(ranked, thresholds.clarify)
    if options:
        return Decision(DecisionKind.CLARIFY, ranked, options, DecisionReason.BETWEEN, thresholds, out_of_scope)
    return Decision(DecisionKind.FALLBACK, ranked, (), DecisionReason.UNSURE, thresholds, out_of_scope)


def speak(decision: Decision, *, answered: Collection[str]) -> Decision:
    """The same decision, if the entries with an answer text bear it out: an answer that lacks a text, or a question
    none of whose choices has one, is handed over with its ranking."""
    named = [intent in answered for intent in decision.intents or decision.options]
    if all(named) or (decision.kind == DecisionKind.CLARIFY and any(named)):
        return decision
    reason = DecisionReason.CHOICE if decision.reason in CHOSEN else DecisionReason.NO_ANSWER
    return replace(decision, kind=DecisionKind.FALLBACK, options=(), reason=reason)


def _smallest_set(ranked: tuple[Ranked, ...], level: float) -> tuple[str, ...]:
    """The fewest best intents, two to four, whose confidences sum to the level; empty when four do not."""
    for size in range(2, min(MAX_OPTIONS, len(ranked)) + 1):
        if sum(r.confidence for r in ranked[:size]) >= level:
            return tuple(r.intent for r in ranked[:size])
    return ()


def _rounded(ranked: Ranked) -> dict[str, Any]:
    similarity = None if ranked.similarity is None else round(ranked.similarity, 5)
    row = {
        "intent": ranked.intent,
        "confidence": round(ranked.confidence, 5),
        "nearest": ranked.nearest,
        "similarity": similarity,
    }
    return row if ranked.understood is None else row | {"understood": ranked.understood}
