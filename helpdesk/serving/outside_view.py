"""What somebody who is not logged in may read of a decision: nothing that tells what other people typed.

A text that staff labelled is answered by its own words from the next night on. Whoever could see that would learn that
somebody sent it. So it looks as if it had been scored like any other; a phrasing of the FAQ may be seen to be one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.serving.live import Live


@dataclass(frozen=True)
class OutsideView:
    """A decision without how it came about; matches are (intent, confidence) of what is answered or offered."""

    reason: DecisionReason
    confidence: float
    matches: tuple[tuple[str, float], ...]


def outside_view(live: Live | None, text: str, *, columns: Mapping[str, Any], named: Sequence[str]) -> OutsideView:
    """The view of a decision about a text. columns: as `Decision.columns` gives them; named: answered or offered."""
    reason = DecisionReason(columns["reason"])
    given = {ranked["intent"]: ranked["confidence"] for ranked in columns["ranking"]}
    matches = tuple((intent, given[intent]) for intent in named if intent in given)
    plain = OutsideView(reason, columns["confidence"], matches)
    if live is None or not _rests_on_known_text(reason, matches):
        return plain if live is None or reason != DecisionReason.NO_ANSWER else _unanswered(live, text, plain)
    if reason == DecisionReason.EXACT and live.is_phrasing(text):
        return plain
    level = min(1.0, live.matcher.bundle.thresholds.answer)
    if columns["kind"] != DecisionKind.ANSWER:
        foreign = live.matcher.foreign_language(text) is not None
        unknown = DecisionReason.LANGUAGE if foreign else DecisionReason.UNSURE
        return OutsideView(unknown, min(level, live.rank(text).confidence), ())
    parts = {ranked["intent"]: ranked.get("understood") or text for ranked in columns["ranking"]}
    matches = tuple(
        (intent, max(level, _scored(live, parts[intent], intent)) if confidence == 1.0 else confidence)
        for intent, confidence in matches
    )
    shown = DecisionReason.CONFIDENT if reason == DecisionReason.EXACT else reason
    return OutsideView(shown, max(level, prod(confidence for _, confidence in matches)), matches)


def _unanswered(live: Live, text: str, view: OutsideView) -> OutsideView:
    """What would be answered, had it an answer, may have been known by a label."""
    if view.confidence < 1.0 or live.is_phrasing(text):
        return view
    level = min(1.0, live.matcher.bundle.thresholds.answer)
    return OutsideView(view.reason, max(level, live.rank(text).confidence), ())


def _scored(live: Live, part: str, intent: str) -> float:
    """The confidence of an intent for the part of a message that asks it, by meaning alone."""
    return next((ranked.confidence for ranked in live.rank(part).ranking if ranked.intent == intent), 0.0)


def _rests_on_known_text(reason: DecisionReason, matches: Sequence[tuple[str, float]]) -> bool:
    """Each of several questions may be known by itself."""
    known = (DecisionReason.EXACT, DecisionReason.KNOWN_OUT_OF_SCOPE)
    in_parts = reason in (DecisionReason.TWO_QUESTIONS, DecisionReason.THREE_QUESTIONS, DecisionReason.SENTENCE)
    parts_known = in_parts and any(confidence == 1.0 for _, confidence in matches)
    return reason in known or parts_known
