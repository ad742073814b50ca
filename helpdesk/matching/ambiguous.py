"""Messages of one or two words that many entries have: whoever types "laptop" is asked which matter is meant.

An encoder puts such a word near the entry that says it most, and nothing in the scores of longer messages warns of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import combinations
from typing import Final

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import MAX_OPTIONS, Decision
from helpdesk.matching.languages import languages
from helpdesk.text import words

FEWEST_HAVING: Final = 3  # that have the words: fewer are few enough to guess between
_MOST_WORDS: Final = 4  # of a message: in "how long does a card take" function words tell the matter
_MOST_TELLING: Final = 2

SharedWords = Mapping[str, tuple[str, ...]]


def find_shared_words(rows: Iterable[tuple[str, str]], *, known: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The words, and pairs of words of one text, that three intents or more have: `laptop`, `laptop slow` -> intents.

    rows: (normalised text, intent). known: languages whose function words tell nothing.
    """
    told = [(_telling(text, known), intent) for text, intent in rows]
    having: dict[str, set[str]] = defaultdict(set)
    for telling, intent in told:
        for word in telling:
            having[word].add(intent)
    shared = {word: intents for word, intents in having.items() if len(intents) >= FEWEST_HAVING}
    pairs: dict[str, set[str]] = defaultdict(set)
    for telling, intent in told:
        for pair in combinations([word for word in telling if word in shared], _MOST_TELLING):
            pairs[" ".join(pair)].add(intent)
    shared |= {pair: intents for pair, intents in pairs.items() if len(intents) >= FEWEST_HAVING}
    return {key: tuple(sorted(intents)) for key, intents in sorted(shared.items())}


def ask_back(text: str, decision: Decision, shared: SharedWords, *, known: Collection[str]) -> Decision:
    """A sure answer to a normalised text of shared words alone becomes a question between the best entries that have
    them, two at least with the best of all; every other decision stays."""
    if decision.kind != DecisionKind.ANSWER or decision.reason != DecisionReason.CONFIDENT:
        return decision
    if len(words(text)) > _MOST_WORDS:
        return decision
    telling = _telling(text, known)
    if not 1 <= len(telling) <= _MOST_TELLING:
        return decision
    having = shared.get(" ".join(telling), ())
    if not having:
        return decision
    ranked = [each.intent for each in decision.ranking]
    likely = [intent for intent in ranked if intent in having][:MAX_OPTIONS]
    options = tuple(dict.fromkeys([*likely, *ranked]))[: max(2, len(likely))]
    if len(options) < 2:
        return decision
    return replace(decision, kind=DecisionKind.CLARIFY, options=options, reason=DecisionReason.BETWEEN)


def _telling(text: str, known: Collection[str]) -> list[str]:
    """The words of a text, each once and sorted, without function words and single letters."""
    found = {word for word in words(text) if len(word) > 1}
    by_code = languages().by_code
    return sorted(found.difference(*(by_code[code].words for code in known if code in by_code)))
