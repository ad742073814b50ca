"""Several questions in one message: where it may fall apart, and what its parts, decided by themselves, say together.

One matter that some part asks surely is answered. Two or three are, when all answers together are sure enough;
otherwise they are offered.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.choices import telling_words
from helpdesk.matching.decide import MAX_OPTIONS, Decision, Ranked

FEWEST_WORDS: Final = 2
FEWEST_WORDS_OF_SURE: Final = 4  # on either side of an "and" in a message that surely asks one thing
FEW_PARTS: Final = 4  # a message of more sentences tells a story: what some of them seem to ask is not asked
LIKELY: Final = 0.8  # from here on, one of few parts is taken to ask something besides what others ask surely
_MOST_SPLITS: Final = 3
_MOST_WORDS: Final = 60  # of a sentence that is cut in two
_MORE: Final = re.compile(r",?\s+(?:and\s+also|as\s+well\s+as|also|plus|besides|außerdem|también|aussi)\s+")
_AND: Final = re.compile(r",?\s+(?:and|&|und|et|y)\s+")
_REASONS: Final = {
    1: DecisionReason.SENTENCE,
    2: DecisionReason.TWO_QUESTIONS,
    3: DecisionReason.THREE_QUESTIONS,
}
_KINDS: Final = (DecisionKind.FALLBACK, DecisionKind.CLARIFY, DecisionKind.ANSWER)

_ASKING: Final = (
    r"(?:how|what|where|when|why|who|which|whose|can|could|may|do|does|is|are|will|"
    r"wie|was|wo|wann|warum|wer|welche[rsn]?|kann|können|"
    r"comment|quoi|où|quand|pourquoi|qui|quel(?:le)?s?|combien|est-ce|"
    r"cómo|como|qué|dónde|cuándo|cuando|quién|cuáles|cuál|cuánto|puedo)\b"
)
_ASKS: Final = re.compile(rf"\W*{_ASKING}|.*\?\s*$", re.IGNORECASE | re.DOTALL)
_CLAUSE: Final = re.compile(rf"(?:,|;|,?\s+(?:and|und|et|y))\s+(?={_ASKING})", re.IGNORECASE)
_FEWEST_CLAUSES: Final = 3  # two are tried as the sides of an "and"
_GUESSED: Final = 0.25  # a part whose best guess is what is answered anyway asks nothing else
_FEWEST_TELLING: Final = 2  # "Can you help me?" asks nothing by itself

Parts = Sequence[tuple[str, Decision]]


def splits(text: str, *, least: int = FEWEST_WORDS) -> list[tuple[str, str]]:
    """Up to three ways to read a normalised sentence as two questions, the most telling boundary first.

    Each part has at least so many words. Whether there really are two questions is decided from the scores of the
    parts.
    """
    found: dict[int, tuple[str, str]] = {}
    if len(text.split()) > _MOST_WORDS:
        return []
    for boundary in (_MORE, _AND):
        for match in boundary.finditer(text):
            parts = text[: match.start()], text[match.end() :]
            if all(len(part.split()) >= least for part in parts):
                found.setdefault(match.end(), parts)
    return list(found.values())[:_MOST_SPLITS]


def clauses(sentence: str) -> list[str]:
    """The questions of a sentence that asks three or more: each begins with a word of asking; else the sentence."""
    found = [part.strip() for part in _CLAUSE.split(sentence)]
    asking = len(found) >= _FEWEST_CLAUSES and all(len(part.split()) > FEWEST_WORDS for part in found)
    return found if asking and sum(_ASKS.match(part) is not None for part in found) >= _FEWEST_CLAUSES else [sentence]


def unanswered(decided: Decision, parts: Parts) -> tuple[str, ...]:
    """The questions among the parts of a message, each as it was typed, that the decision neither answers nor offers.

    Where nothing is answered or offered there are none: the whole of it is handed over.
    """
    named = {*decided.intents, *decided.options}
    if not named:
        return ()
    return tuple(text for text, own in parts if _asks_another(text, own, named))


def _asks_another(text: str, own: Decision, named: set[str]) -> bool:
    if _ASKS.match(text) is None or len(telling_words(text)) < _FEWEST_TELLING:
        return False
    guessed = {ranked.intent for ranked in own.ranking[:1] if ranked.confidence >= _GUESSED}
    return not named & (guessed | {*own.intents, *own.options})


def is_story(parts: Sequence[str]) -> bool:
    """Whether a message of so many sentences tells one matter: hardly any of them asks."""
    return len(parts) > FEW_PARTS and sum(part.endswith("?") for part in parts) < 2


def of_sentences(whole: Decision, parts: Parts, *, level: float, story: bool = False) -> Decision:
    """What the sentences of a message ask, each with its decision; level: the answer threshold; story: what they
    only seem to ask does not count.

    Where the whole is answered, only what another of few sentences asks surely counts beside.
    """
    sure = {d.ranking[0].intent for _, d in parts if d.kind == DecisionKind.ANSWER}
    if whole.kind == DecisionKind.ANSWER:
        if sure <= set(whole.intents):
            return whole
        asked = _asked(parts, sure)
        if whole.ranking[0].intent not in asked:
            asked = {whole.ranking[0].intent: whole.ranking[0]} | asked
    else:
        asked = _asked(parts, sure if story else sure | _likely(parts))
    if not asked.keys() & sure:
        return max([whole, *(d for _, d in parts if d.kind == DecisionKind.CLARIFY)], key=rank)
    return _together(whole, asked, level=level)


def of_halves(whole: Decision, ways: Iterable[Parts], *, level: float) -> Decision:
    """Both answers, if a way to cut the message in two has each part answered by itself, with different intents, and
    both are right together with the probability of the answer threshold; else what was decided about the whole."""
    best = whole
    for parts in ways:
        asked = _asked(parts, {d.ranking[0].intent for _, d in parts if d.kind == DecisionKind.ANSWER})
        if len(asked) == len(parts):
            both = _together(whole, asked, level=level)
            if both.kind == DecisionKind.ANSWER and (best is whole or both.confidence > best.confidence):
                best = both
    return best


def rank(decision: Decision) -> tuple[int, float]:
    """Answers before questions before nothing, then by confidence."""
    return _KINDS.index(decision.kind), decision.confidence


def _likely(parts: Parts) -> set[str]:
    return {d.ranking[0].intent for _, d in parts if d.ranking and d.ranking[0].confidence >= LIKELY}


def _asked(parts: Parts, intents: set[str]) -> dict[str, Ranked]:
    """Of these intents the part that asks each most surely, in the order of the message."""
    found: dict[str, Ranked] = {}
    for text, decision in parts:
        best = decision.ranking[0] if decision.ranking else None
        if best is None or best.intent not in intents:
            continue
        if best.intent not in found or best.confidence > found[best.intent].confidence:
            found[best.intent] = replace(best, understood=text)
    return found


def _together(whole: Decision, asked: Mapping[str, Ranked], *, level: float) -> Decision:
    ranking = (*asked.values(), *(r for r in whole.ranking if r.intent not in asked))
    if len(asked) in _REASONS and math.prod(r.confidence for r in asked.values()) >= level:
        return replace(whole, kind=DecisionKind.ANSWER, ranking=ranking, options=(), reason=_REASONS[len(asked)])
    options = tuple(asked)[:MAX_OPTIONS]
    return replace(whole, kind=DecisionKind.CLARIFY, ranking=ranking, options=options, reason=DecisionReason.BETWEEN)
