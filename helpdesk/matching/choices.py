"""What somebody chose from a clarifying question, in the words that people type: a number, an ordinal, none, both, a
part of one question. English, German, French, Spanish.

Whatever is not clearly a choice is none: a new message that is taken for a choice gets a wrong answer.
"""

import re
import tomllib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from helpdesk.text import normalise

LONGEST_CHOICE: Final = 12  # words; only a question in full is longer
_MOST_WORDS_OF_PART: Final = 8
_MOST_PICKED: Final = 3  # answers in one reply


_LISTS: Final = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def _numbered(rows: Sequence[str]) -> dict[str, int]:
    return {word: number for number, row in enumerate(rows, 1) for word in row.split()}


_CARDINALS: Final = _numbered(_LISTS["cardinals"])
_ORDINALS: Final = _numbered(_LISTS["ordinals"])
_LAST: Final = frozenset(_LISTS["last"].split())
_LABELS: Final = frozenset(_LISTS["labels"].split())
_POLITE: Final = frozenset(_LISTS["polite"].split())
_ARTICLES: Final = frozenset(_LISTS["articles"].split())
_CHOOSING: Final = frozenset(_LISTS["choosing"].split())
_WISHING: Final = frozenset(_LISTS["wishing"].split())
_ABOUT: Final = frozenset(_LISTS["about"].split())
_BETWEEN: Final = frozenset(_LISTS["between"].split())
_NEGATIONS: Final = frozenset(_LISTS["negations"].split())
_ALONE: Final = _POLITE | _ARTICLES | _LABELS | _BETWEEN  # beside any number
_EMPTY: Final = _ALONE | _CHOOSING | _WISHING | _ABOUT | frozenset(_LISTS["function_words"].split())
_NONE, _BOTH, _ALL = (frozenset(_LISTS[name]) for name in ("none", "both", "all"))
_LINE: Final = re.compile(r"\(?([1-9])\s*[.):]\s*(\S.*)")
_NUMBER_SIGN: Final = re.compile(r"(?:#\s*|\bno\s*\.?\s*)(?=[1-9]\b)")
_FOREIGN_MARK: Final = re.compile(r"[^\w\s#().,:;!?'\"\[\]¿¡-]|[0-9][.,:][0-9]|\w-\w")
_SIGNED: Final = re.compile(r"\s*[-–−+]\d")
_TOKEN: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Choice:
    """What was picked: places in the offer, from 0; none of it when empty."""

    picked: tuple[int, ...] = ()
    by_part: bool = False  # read off a part of one question, which may be a message of its own


def read_choice(text: str, offered: Sequence[str], *, none_text: str) -> Choice | None:
    """What a message chooses from the offered questions; None when it is not clearly a choice.

    The number after the last one, and `none_text`, choose none of them.
    """
    said = normalise(text)
    questions = [normalise(question) for question in offered]
    if questions.count(said) == 1:
        return Choice((questions.index(said),))
    if said == normalise(none_text):
        return Choice()
    line = _LINE.fullmatch(said)
    if line and int(line[1]) <= len(questions) and normalise(line[2]) == questions[int(line[1]) - 1]:
        return Choice((int(line[1]) - 1,))
    plain = _plain(said).replace("s il vous plait", "svp")
    marked = _NUMBER_SIGN.sub("option ", plain)
    words = _TOKEN.findall(marked)
    if not words or len(words) > LONGEST_CHOICE or _FOREIGN_MARK.search(marked) or _SIGNED.match(text):
        return None
    return _in_words(words, len(offered)) or _part(_TOKEN.findall(plain), plain, questions)


def may_choose(text: str) -> bool:
    """Whether a message is short enough for a choice in words; questions in full are not looked at."""
    return len(text) <= 120 and text.count(" ") < LONGEST_CHOICE


def _in_words(words: Sequence[str], offered: int) -> Choice | None:
    bare = " ".join(_without_manners(words))
    if bare in _NONE or " ".join(words) in _NONE:
        return Choice()
    if bare in _BOTH:
        return Choice((0, 1)) if offered == 2 else None
    if bare in _ALL:
        return Choice(tuple(range(offered))) if offered <= _MOST_PICKED else None
    numbers = _numbers(words, offered)
    if not numbers or len(set(numbers)) < len(numbers) or max(numbers) > offered + 1:
        return None
    if numbers == [offered + 1]:
        return Choice()
    return Choice(tuple(number - 1 for number in numbers)) if max(numbers) <= offered else None


def _numbers(words: Sequence[str], offered: int) -> list[int]:
    """The numbers that a message consists of besides words of choosing; [] when anything else is in it."""
    found: list[int] = []
    rest: list[str] = []
    sure = only_words = False
    joined = 0
    for before, word in zip(["", *words], words, strict=False):
        joined += word in _BETWEEN
        number = _ORDINALS.get(word) or (offered if word in _LAST else None)
        if number is not None:
            sure = True
        elif word == "one" and (before in _ORDINALS or before in _LAST):
            continue
        elif len(word) == 1 and word in "123456789":
            number = int(word)
        elif word in _CARDINALS and before not in _ARTICLES:
            number, only_words = _CARDINALS[word], True
        if number is None:
            rest.append(word)
            continue
        if joined != len(found):
            return []
        sure = sure or before in _LABELS
        found.append(number)
    allowed = _ALONE
    if sure:
        allowed = _ALONE | _CHOOSING | _WISHING
    elif not only_words:
        allowed = _ALONE | _CHOOSING
    return found if joined == len(found) - 1 and len(found) <= _MOST_PICKED and set(rest) <= allowed else []


def _part(words: Sequence[str], plain: str, questions: Sequence[str]) -> Choice | None:
    """The only question that has every word of the message that says something."""
    telling = [word for word in words if word not in _EMPTY and word not in _ORDINALS and word not in _CARDINALS]
    if not telling or len(words) > _MOST_WORDS_OF_PART:
        return None
    folded = [_plain(question) for question in questions]
    having = [place for place, question in enumerate(folded) if set(telling) & set(_TOKEN.findall(question))]
    if len(having) != 1:
        return None
    own = folded[having[0]]
    spoken = _POLITE | _ARTICLES | _ABOUT | _LABELS | {"one", "i", "mean", "meant"}
    if not set(words) <= set(_TOKEN.findall(own)) | spoken:
        return None
    if set(words) & _NEGATIONS and plain not in own:
        return None
    return Choice((having[0],), by_part=True)


def _without_manners(words: Sequence[str]) -> list[str]:
    """The words between "yes", "please" and "thanks" at the ends."""
    first, last = 0, len(words)
    while first < last and words[first] in _POLITE:
        first += 1
    while last > first and words[last - 1] in _POLITE:
        last -= 1
    return list(words[first:last])


@lru_cache(maxsize=1024)
def _plain(said: str) -> str:
    """Without accents and the frames of keycap emojis, as people type in haste."""
    letters = unicodedata.normalize("NFKD", said.replace("'", " "))
    return "".join(c for c in letters if not unicodedata.combining(c) and c not in "\ufe0f\u20e3")
