"""What people ask in the demo and what they mean: texts of the shipped data, some of them asked again and again."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from helpdesk.records.files.csv_files import read_column
from helpdesk.settings import resource
from helpdesk.text import OUT_OF_SCOPE, normalise

NOT_A_QUESTION: Final = "not_a_question"
SAP, AI_TOOLS, LUNCH = (
    "How do I reset my SAP password?",
    "May I use ChatGPT and other AI tools?",
    "What is for lunch today?",
)
MISSING = {  # what no entry answers at first: text -> the question of the entry that somebody writes, if so
    "sap password": SAP,
    "reset my sap user": SAP,
    "my sap login is locked again": SAP,
    "can i use chatgpt": AI_TOOLS,
    "are we allowed to use ai tools": AI_TOOLS,
    "sandwich": LUNCH,
    "whats in the canteen today": LUNCH,
    "meeting room 5 is freezing cold": None,
    "where do i see my payslip": None,
    "recording of yesterdays meeting": None,
    "crm login fails": None,
    "no internet since lunch": None,
}
_GREETINGS = ("hi", "hello", "good morning", "Hi there!", "hey")
_THANKS = ("thanks", "thank you!", "great, thanks a lot", "thank you very much")
_PERSON = ("can I talk to a person?", "I want to speak to a human", "connect me to an agent", "is there a real person?")
_MISSING, _WORD_FOR_WORD, _POPULAR = 0.12, 0.32, 0.6  # shares of all questions, added up; the rest is rarely asked


class Texts:
    """Draws what is asked, and knows what it means."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        meanings = dict(_meanings())
        self._all = [text for text in sorted(meanings) if text not in MISSING]
        self._popular = chance.sample(self._all, 40)
        texts, intents = _columns(resource("training_data") / "faq.csv", "phrasing", "intent")
        phrasings: dict[str, str | None] = dict(zip(texts, intents, strict=True))
        self._phrasings = list(phrasings)
        self._first = list(reversed(MISSING))  # each of them is asked early, so that it can be taken care of
        self._by_key = {normalise(text): meaning for text, meaning in (phrasings | meanings).items()}

    def question(self) -> str:
        """A question: one that is asked once in a while, one that everybody asks, one that stands in the FAQ word for
        word, or one that nothing answers yet."""
        if self._first:
            return self._first.pop()
        drawn = self._chance.random()
        if drawn < _MISSING:
            return self._chance.choice(list(MISSING))
        if drawn < _WORD_FOR_WORD:
            return self._chance.choice(self._phrasings)
        return self._chance.choice(self._popular if drawn < _POPULAR else self._all)

    def meaning(self, text: str) -> str | None:
        """The slug of an entry, the question of one that is yet to be written, out of scope, not a question, or None
        when that is hard to say."""
        return self._by_key.get(normalise(text))

    def greeting(self) -> str:
        """How a conversation may begin."""
        return self._chance.choice(_GREETINGS)

    def thanks(self) -> str:
        """How it may end."""
        return self._chance.choice(_THANKS)

    def wish_for_a_person(self) -> str:
        """What somebody types who was not helped."""
        return self._chance.choice(_PERSON)


def _meanings() -> Iterator[tuple[str, str | None]]:
    folder = resource("training_data")
    for text, intent in zip(*_columns(folder / "evaluation.csv", "text", "intent"), strict=True):
        yield text, OUT_OF_SCOPE if intent == "out_of_scope" else intent
    odd = _columns(folder / "odd_messages.csv", "text", "kind", "expected", "intents")
    for text, kind, expected, intents in zip(*odd, strict=True):
        if kind == "negated":
            yield text, NOT_A_QUESTION
        elif expected == "answer":
            yield text, intents
    for text, note in zip(*_columns(folder / "out_of_scope.csv", "text", "note"), strict=True):
        if note == "near":
            yield text, OUT_OF_SCOPE
    for text in read_column(folder / "unlabelled.csv", "text"):
        yield text, None
    yield from MISSING.items()


def _columns(path: Path, *names: str) -> list[list[str]]:
    return [read_column(path, name) for name in names]
