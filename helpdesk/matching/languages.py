"""Which language a message is in, read off its letters and function words: enough to say that it is one nobody taught.

Function words (articles, pronouns, prepositions) are about half of any running text and hardly differ between
subjects. A word that a known language has too tells nothing.
"""

import tomllib
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

from helpdesk.text import normalise

_FILE = Path(__file__).with_name("languages.toml")
ENGLISH: Final = "en"
_FEWEST_WORDS: Final = 3
_FEWEST_FOUND: Final = 2
_USUAL: Final = 0.05  # of the phrasings: one or two in another language do not make it known
_MARKS: Final = ".,;:!?()\"'¿¡…"


@dataclass(frozen=True)
class Language:
    """One language: its name among its speakers, function words, scripts of its own, and sentences as in English."""

    code: str
    name: str
    words: frozenset[str]
    scripts: frozenset[str]
    sentences: tuple[str, ...]


class Languages:
    """All languages that can be told."""

    def __init__(self, known: Iterable[Language]) -> None:
        self.by_code = {language.code: language for language in known}

    def tell(self, text: str, *, known: Collection[str]) -> str | None:
        """The language of a normalised text if it is surely none of the known ones, None otherwise."""
        return self._by_script(text, known) or self._by_words(text, known)

    def usual(self, texts: Collection[str]) -> list[str]:
        """The languages in which a fair share of normalised texts are written, the most frequent first."""
        told = Counter(code for text in texts if (code := self.tell(text, known=())) is not None)
        return [code for code, count in told.most_common() if count >= _USUAL * len(texts)]

    def names(self, codes: Iterable[str]) -> list[str]:
        """What their speakers call them."""
        return [self.by_code[code].name for code in sorted(codes) if code in self.by_code]

    def _by_script(self, text: str, known: Collection[str]) -> str | None:
        """The language whose script more than half of the letters are of, where no letter is of a known one's:
        Japanese may be written mostly in Chinese characters."""
        if text.isascii():
            return None
        letters = [character for character in text if character.isalpha()]
        found = Counter(self._of_script.get(unicodedata.name(letter, "").split(" ")[0], "") for letter in letters)
        code, count = max(found.items(), key=lambda item: item[1], default=("", 0))
        return code if code and found.keys().isdisjoint(known) and count > len(letters) / 2 else None

    def _by_words(self, text: str, known: Collection[str]) -> str | None:
        """The language with most function words that no known one has."""
        words = [word.strip(_MARKS) for word in text.split(" ")]
        if len(words) < _FEWEST_WORDS:
            return None
        spoken = {word: codes for word in set(words) if (codes := self._of_word.get(word))}
        found = Counter(code for codes in spoken.values() if codes.isdisjoint(known) for code in codes)
        if not found:
            return None
        best = max(self.by_code, key=lambda code: found[code])  # the first of equal ones
        count = found[best] + sum(word not in spoken and self._has_strange_letter(word, known) for word in set(words))
        against = sum(best not in codes and not codes.isdisjoint(known) for codes in spoken.values())
        return best if count >= _FEWEST_FOUND and count > 2 * against else None

    def _has_strange_letter(self, word: str, known: Collection[str]) -> bool:
        """Whether some letter is in no function word of a known language."""
        if word.isascii():
            return False
        letters = [self._letters[code] for code in known if code in self._letters]
        return bool(letters) and any(c.isalpha() and not any(c in own for own in letters) for c in word)

    @cached_property
    def _letters(self) -> dict[str, frozenset[str]]:
        return {code: frozenset().union(*language.words) for code, language in self.by_code.items()}

    @cached_property
    def _of_word(self) -> dict[str, frozenset[str]]:
        """The languages of every function word. A single letter tells nothing."""
        codes: dict[str, set[str]] = {}
        for language in self.by_code.values():
            for word in language.words:
                if len(word) > 1:
                    codes.setdefault(word, set()).add(language.code)
        return {word: frozenset(found) for word, found in codes.items()}

    @cached_property
    def _of_script(self) -> dict[str, str]:
        return {script: language.code for language in self.by_code.values() for script in language.scripts}


@cache
def languages() -> Languages:
    """The shipped ones."""
    with _FILE.open("rb") as file:
        return Languages(_language(code, table) for code, table in tomllib.load(file).items())


def _language(code: str, table: Mapping[str, Any]) -> Language:
    words = [normalise(word) for word in table.get("words", "").split()]
    return Language(
        code,
        table["name"],
        frozenset(words) | {_without_accents(word) for word in words},
        frozenset(table.get("scripts", ())),
        tuple(normalise(sentence) for sentence in table["sentences"]),
    )


def _without_accents(word: str) -> str:
    """As many people type it."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
