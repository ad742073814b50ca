"""Golden phrases held against the version in service."""

from collections.abc import Sequence
from dataclasses import dataclass

from helpdesk.decisions import DecisionKind
from helpdesk.matching.decide import Decision
from helpdesk.records.golden import GoldenPhrase
from helpdesk.serving.live import Live

CHECKED = 200  # so that a page need not encode thousands of texts


@dataclass(frozen=True)
class Promise:
    """A golden phrase and what would be said to it now; kept: None while its entry is not published."""

    phrase: GoldenPhrase
    kept: bool | None
    kind: str
    intents: tuple[str, ...]


def check_promises(live: Live, phrases: Sequence[GoldenPhrase]) -> list[Promise]:
    """The first phrases, broken ones first."""
    found = [_checked(live, phrase) for phrase in phrases[:CHECKED]]
    return sorted(found, key=lambda promise: (promise.kept is not False, promise.phrase.id))


def _checked(live: Live, phrase: GoldenPhrase) -> Promise:
    decision = live.match(phrase.text)
    waits = phrase.intent is not None and phrase.intent not in live.faq
    return Promise(phrase, None if waits else _kept(phrase, decision), decision.kind, decision.intents)


def _kept(phrase: GoldenPhrase, decision: Decision) -> bool:
    if phrase.intent is None:
        return decision.kind != DecisionKind.ANSWER
    return decision.kind == DecisionKind.ANSWER and decision.intents == (phrase.intent,)
