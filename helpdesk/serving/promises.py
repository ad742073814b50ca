"""Golden phrases held against the version in service."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    return Promise(phrase, None if waits else is_kept(phrase.intent, decision), decision.kind, decision.intents)


def is_kept(intent: str | None, decision: Decision) -> bool:
    """Whether what a golden phrase promises is so: an answer with this intent alone, or none where it is None."""
    return decision.intents == (() if intent is None else (intent,))
