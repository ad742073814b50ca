"""Recognises the wish for a person: a verb of speaking and a person, not the mere word. Patterns are in `wishes.toml`.

A person who may be anybody (someone, a colleague) counts only where the sentence goes on as a wish does, not as a
question about software does: "how do i chat with a colleague in teams".
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("wishes.toml")
_NAME = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class _Wishes:
    """One language. A sentence with a wish has one of the persons and one of the acts; refused: what is none, though it
    looks like one."""

    persons: frozenset[str]
    acts: frozenset[str]
    certain: re.Pattern[str]
    unasked: re.Pattern[str]
    wishes: tuple[re.Pattern[str], ...]
    refused: re.Pattern[str]

    def has(self, sentence: Sequence[str]) -> bool:
        """Whether a sentence wishes for a person."""
        if self.persons.isdisjoint(sentence):  # the patterns take many times as long
            return False
        text = f". {' '.join(sentence)} ."
        wished = not self.acts.isdisjoint(sentence) and any(wish.search(text) for wish in self.wishes)
        return (wished or self._names_a_human(text)) and not self.refused.search(text)

    def _names_a_human(self, text: str) -> bool:
        """Whether a human is named, other than in a question about who or what is one."""
        return self.certain.search(text) is not None and not self.unasked.search(text)


def wish_language(sentences: Sequence[Sequence[str]], languages: Sequence[str]) -> str | None:
    """The first language in which one of the sentences wishes for a person, None when none does.

    Words are folded: lower case, without accents and apostrophes. Every mark ends a sentence.
    """
    known = _read()
    for language in languages:
        if any(known[language].has(sentence) for sentence in sentences):
            return language
    return None


@cache
def _read() -> dict[str, _Wishes]:
    with _FILE.open("rb") as file:
        return {language: _wishes(table) for language, table in tomllib.load(file).items()}


def _wishes(table: Mapping[str, Any]) -> _Wishes:
    vocabulary = table["vocabulary"]

    def compiled(pattern: str) -> re.Pattern[str]:
        while _NAME.search(pattern):
            pattern = _NAME.sub(lambda found: f"(?:{vocabulary[found[1]]})", pattern)
        return re.compile(rf"(?<!\w)(?:{pattern})(?= )")

    return _Wishes(
        frozenset(table["persons"].split()),
        frozenset(table["acts"].split()),
        compiled(table["certain"]),
        compiled(table["unasked"]),
        tuple(compiled(wish) for wish in table["wishes"]),
        compiled(table["refused"]),
    )
