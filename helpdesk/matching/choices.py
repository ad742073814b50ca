"""What somebody chose from a clarifying question, in the words that people type: a number, an ordinal, none, both, a
part of one question. English, German, French, Spanish.

Whatever is not clearly a choice is none: a new message that is taken for a choice gets a wrong answer.
"""

import re
import tomllib
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from helpdesk.text import normalise

_MOST_WORDS: Final = 12  # only a question in full has more
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
_WORDS: Final = (
    _ALONE | _CHOOSING | _WISHING | _ABOUT | _LAST | _CARDINALS.keys() | _ORDINALS.keys()
    | {word for phrase in (*_NONE, *_BOTH, *_ALL) for word in phrase.split()}
)  # fmt: skip
_DIGITS: Final = re.compile(r"([0-9]{1,2})(st|nd|rd|th|te|ter|tes|ten|er|ere|eme|e|o|a)?")
_LINE: Final = re.compile(r"\(?([1-9])\s*[.):]\s*(\S.*)")
_NUMBER_SIGN: Final = re.compile(r"(?:#\s*|\bno\s*\.?\s*)(?=[0-9]{1,2}\b)")
_BETWEEN_NUMBERS: Final = re.compile(r"(?<=[0-9])(?:,\s+|\s*[&+]\s*)(?=[0-9])")  # "1,5" may be a price
_FOREIGN_MARK: Final = re.compile(r"[^\w\s#().,:;!?'\"\[\]¿¡-]|[0-9][.,:][0-9]|\w-\w")
_SIGNED: Final = re.compile(r"\s*[-–−+]\d")
_TOKEN: Final = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class MenuChoice:
    """What was picked: places in the offer, from 0; none of it when empty. missing: it names a choice that is not
    there."""

    picked: tuple[int, ...] = ()
    missing: bool = False
    by_part: bool = False  # read off a part of one question, which may be a message of its own


def may_choose(text: str, known: Collection[str]) -> bool:
    """Whether a message could be a choice from some offer: it has no other words than those of choosing and `known`
    ones, which are those of the questions."""
    return all(word in _WORDS or word in known or _DIGITS.fullmatch(word) for word in question_words(text))


def question_words(text: str) -> list[str]:
    """The words of a question or of a message, folded."""
    return _TOKEN.findall(_plain(normalise(text)))


def telling_words(text: str) -> list[str]:
    """The words of a message that say something of its subject."""
    return [word for word in question_words(text) if word not in _EMPTY]


def read_choice(text: str, offered: Sequence[str], *, none_text: str) -> MenuChoice | None:
    """What a message chooses from the offered questions; None when it is not clearly a choice.

    The number after the last one, and `none_text`, choose none of them.
    """
    said = normalise(text)
    if not said:
        return None
    questions = [normalise(question) for question in offered]
    if questions.count(said) == 1:
        return MenuChoice((questions.index(said),))
    if said == normalise(none_text):
        return MenuChoice()
    line = _LINE.fullmatch(said)
    if line and int(line[1]) <= len(questions) and normalise(line[2]) == questions[int(line[1]) - 1]:
        return MenuChoice((int(line[1]) - 1,))
    plain = _plain(said).replace("s il vous plait", "svp")
    marked = _NUMBER_SIGN.sub("option ", _BETWEEN_NUMBERS.sub(" and ", plain))
    words = _TOKEN.findall(marked)
    if not words or len(words) > _MOST_WORDS or _FOREIGN_MARK.search(marked) or _SIGNED.match(text):
        return None
    return _in_words(words, len(offered)) or _part(_TOKEN.findall(plain), plain, questions)


def _in_words(words: Sequence[str], offered: int) -> MenuChoice | None:
    bare = " ".join(_without_manners(words))
    if bare in _NONE or " ".join(words) in _NONE:
        return MenuChoice()
    if bare in _BOTH:
        return MenuChoice((0, 1)) if offered == 2 else None
    if bare in _ALL:
        return MenuChoice(tuple(range(offered))) if offered <= _MOST_PICKED else None
    numbers = _numbers(words, offered)
    if not numbers or len(set(numbers)) < len(numbers):
        return None
    if numbers == [offered + 1]:
        return MenuChoice()
    if not all(1 <= number <= offered for number in numbers):
        return MenuChoice(missing=True)
    return MenuChoice(tuple(number - 1 for number in numbers))


def _numbers(words: Sequence[str], offered: int) -> list[int]:
    """The numbers that a message consists of besides words of choosing; [] when anything else is in it."""
    found: list[int] = []
    rest: list[str] = []
    sure = only_words = False
    joined = 0
    for before, word in zip(["", *words], words, strict=False):
        joined += word in _BETWEEN
        digits = _DIGITS.fullmatch(word)
        number = int(digits[1]) if digits else _ORDINALS.get(word) or (offered if word in _LAST else None)
        if number is not None:
            sure = sure or digits is None or digits[2] is not None
        elif word == "one" and (before in _ORDINALS or before in _LAST or _DIGITS.fullmatch(before)):
            continue
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


def _part(words: Sequence[str], plain: str, questions: Sequence[str]) -> MenuChoice | None:
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
    return MenuChoice((having[0],), by_part=True)


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
    if said.isascii():
        return said.replace("'", " ")
    letters = unicodedata.normalize("NFKD", said.replace("'", " "))
    return "".join(c for c in letters if not unicodedata.combining(c) and c not in "\ufe0f\u20e3")
