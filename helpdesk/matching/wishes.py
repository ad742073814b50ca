"""Recognises the wish for a person, in three ways, from the word lists and patterns of `wishes.toml`.

A sentence of nothing but a person, what one does with a person, and small words is a wish in whatever order: a
question about software has a word of its matter, "how do i chat with a colleague in teams". Beside another matter the
words must stand as they do in a wish. And a human that is named is wished for, unless the sentence asks what is one.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from helpdesk.matching.late_patterns import LatePattern

_FILE = Path(__file__).with_name("wishes.toml")
_NAME = re.compile(r"<(\w+)>")


@dataclass(frozen=True)
class _PlainWish:
    """A person, what is done with one, and words that name no other matter, in any order."""

    party: frozenset[str]
    act: frozenset[str]
    known: frozenset[str]
    topic: frozenset[str]

    def fits(self, sentence: Sequence[str]) -> bool:
        """Whether a sentence has a person and an act, and no word of another matter before it names its topic."""
        topic = next((at for at, word in enumerate(sentence) if at > 1 and word in self.topic), len(sentence))
        said = sentence[:topic]
        if self.party.isdisjoint(said) or self.act.isdisjoint(said):
            return False
        return all(word in self.known or word.isdigit() for word in said)


@dataclass(frozen=True)
class _Wishes:
    """One language. What each list is for stands in `wishes.toml`."""

    persons: frozenset[str]
    acts: frozenset[str]
    certain: LatePattern
    unasked: LatePattern
    wishes: tuple[LatePattern, ...]
    refused: LatePattern
    plain: _PlainWish

    def has(self, sentence: Sequence[str]) -> bool:
        """Whether a sentence wishes for a person."""
        if self.persons.isdisjoint(sentence):  # the patterns take many times as long
            return False
        text = f". {' '.join(sentence)} ."
        wished = self.plain.fits(sentence) or self._names_a_human(text) or self._has_a_pattern(sentence, text)
        return wished and not self.refused.search(text)

    def _has_a_pattern(self, sentence: Sequence[str], text: str) -> bool:
        return not self.acts.isdisjoint(sentence) and any(wish.search(text) for wish in self.wishes)

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

    def compiled(pattern: str) -> LatePattern:
        while _NAME.search(pattern):
            pattern = _NAME.sub(lambda found: f"(?:{vocabulary[found[1]]})", pattern)
        return LatePattern(rf"(?<!\w)(?:{pattern})(?= )")

    return _Wishes(
        frozenset(table["persons"].split()),
        frozenset(table["acts"].split()),
        compiled(table["certain"]),
        compiled(table["unasked"]),
        tuple(compiled(wish) for wish in table["wishes"]),
        compiled(table["refused"]),
        _plain_wish(table),
    )


def _plain_wish(table: Mapping[str, str]) -> _PlainWish:
    party, act, plain, topic = (frozenset(table[name].split()) for name in ("party", "act", "plain", "topic"))
    return _PlainWish(party, act, party | act | plain, topic)
