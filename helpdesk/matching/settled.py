"""Matters that are settled or not wanted: they share every key word with a question and ask nothing.

"No need to reset my password any more" lies next to "reset my password" for any sentence encoder: negated pairs have a
cosine of .89 to .94. So this is read off the words, clause by clause: some clause must say that a matter is settled,
and no clause may ask, wish or report that something is wrong now. Patterns are in `settled.toml`.
"""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from helpdesk.matching.late_patterns import LatePattern
from helpdesk.text import normalise

_FILE: Final = Path(__file__).with_name("settled.toml")
_LONGEST: Final = 30  # words: a long story that mentions a mended matter may ask about another
_FINE: Final = "is fine now"
_NOTHING: Final = "(?!)"
_NAME: Final = re.compile(r"<(\w+)>")
_MARK: Final = re.compile(r"[^\w\s'&@#+/-]+|\s[-/]+|(?<![-/])[-/]+(?=\s)")


@dataclass(frozen=True)
class _Matters:
    """One language.

    cues: a message without one of these words is not searched, which takes many times as long. joined, turned: words
    between two clauses; the latter, as "but", belong to the second. recovered: "not slow any more", read as "is fine
    now". spared: what is left out, because it looks like a
    question and is none. said: that a matter is settled; undone: what makes the contrary of it. asked: a question, in
    whatever clause. wished, wrong: in a clause that says nothing of the kind. past: what was wrong once is not wrong
    now.
    """

    cues: frozenset[str]
    recovered: LatePattern
    joined: LatePattern
    turned: LatePattern
    spared: LatePattern
    said: LatePattern
    undone: LatePattern
    asked: LatePattern
    wished: LatePattern
    wrong: LatePattern
    past: LatePattern

    def settled(self, folded: str) -> bool:
        """Whether a folded message says that something is settled and leaves nothing open."""
        if self.cues.isdisjoint(folded.replace(" . ", " ").split()):
            return False
        clauses = self._clauses(folded)
        if any(self.asked.search(clause) for clause in clauses):
            return False
        said = [self._says(clause) for clause in clauses]
        if not any(said):
            return False
        return not any(self._leaves(clause) for clause, settled in zip(clauses, said, strict=True) if not settled)

    def _clauses(self, folded: str) -> list[str]:
        folded = self.recovered.sub(_FINE, self.spared.sub("", folded))
        text = self.turned.sub(r". \g<0>", self.joined.sub(".", folded))
        return [f" {' '.join(clause.split())} " for clause in text.split(" . ") if clause.strip()]

    def _says(self, clause: str) -> bool:
        return self.said.search(clause) is not None and self.undone.search(clause) is None

    def _leaves(self, clause: str) -> bool:
        """Whether a clause wishes for something, or says that something is wrong now."""
        if self.wished.search(clause):
            return True
        return self.wrong.search(clause) is not None and self.past.search(clause) is None


def settled_language(text: str) -> str | None:
    """The language in which a normalised message says that a matter is settled or not wanted, and asks nothing beside;
    None when it does not."""
    if "?" in text or "¿" in text or len(text.split()) > _LONGEST:
        return None
    folded = _fold(text)
    return next((language for language, matters in _read().items() if matters.settled(folded)), None)


def open_parts(parts: Sequence[str]) -> list[str]:
    """The sentences of a message that are not about a settled matter; all of them when none would be left."""
    left = [part for part in parts if not is_settled(normalise(part))]
    return left or list(parts)


def is_settled(text: str) -> bool:
    """Whether a normalised message is of this kind."""
    return settled_language(text) is not None


def _fold(text: str) -> str:
    """Words without accents and apostrophes, ` . ` for every mark."""
    marked = _MARK.sub(" . ", text)
    if not marked.isascii():
        marked = "".join(c for c in unicodedata.normalize("NFKD", marked) if not unicodedata.combining(c))
    return f" {marked.replace(chr(39), '').replace('ß', 'ss')} "


@cache
def _read() -> dict[str, _Matters]:
    with _FILE.open("rb") as file:
        return {language: _matters(table) for language, table in tomllib.load(file).items()}


def _matters(table: Mapping[str, Any]) -> _Matters:
    def compiled(name: str) -> LatePattern:
        pattern = "|".join(table.get(name, [_NOTHING]))
        while _NAME.search(pattern):
            pattern = _NAME.sub(lambda found: f"(?:{table['vocabulary'][found[1]]})", pattern)
        return LatePattern(rf"(?<!\S)(?:{pattern})(?= )")

    names = ("recovered", "joined", "turned", "spared", "said", "undone", "asked", "wished", "wrong", "past")
    return _Matters(frozenset(table["cues"].split()), *(compiled(name) for name in names))
