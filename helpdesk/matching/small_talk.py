"""Recognises small talk and the wish for a person before anything is encoded: from a list of phrases, and patterns.

The list is `training_data/small_talk.csv`. A message that consists of its phrases and of fillers alone is small talk.
In any other message, small talk at the ends is left out for matching, so that it neither hides nor blurs the question.
"""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from helpdesk.decisions import SMALL_TALK, DecisionReason
from helpdesk.matching.wishes import wish_language
from helpdesk.settings import LANGUAGES, resource
from helpdesk.text import normalise


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FILLER = "filler"
_FEWEST_WORDS = 2
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[\u2600-\u27bf\U0001f000-\U0001faff]")
_LONG_RUN = re.compile(r"([^\W\d_])\1{2,}")
_MARK = re.compile(r"[^\w\s'/&@#+-]|\s-")
_PRECEDENCE = (
    DecisionReason.ASKED,
    DecisionReason.INSULT,
    DecisionReason.BOT_QUESTION,
    DecisionReason.THANKS,
    DecisionReason.GOODBYE,
    DecisionReason.GREETING,
    DecisionReason.NO,
    DecisionReason.YES,
)
_STRIPPED = frozenset(SMALL_TALK) - {DecisionReason.YES, DecisionReason.NO}  # "no sound" is not a no, then sound
_LEADING = frozenset({DecisionReason.GREETING, DecisionReason.THANKS, DecisionReason.GOODBYE})
_TRAILING = frozenset({DecisionReason.THANKS, DecisionReason.GOODBYE})
# Phrases that begin with one of these are left out even where no mark sets them apart from the question.
_UNMISTAKABLE = _set(
    "hi hello hey hiya good dear thanks thank thankyou thx thnx many bye goodbye cheers tia "
    "hallo guten schonen moin servus grusse gruss danke dankeschon vielen besten herzlichen tschuss mfg liebe viele "
    "bonjour bonsoir salut coucou merci slt bjr cordialement "
    "hola buenas buenos muy muchas gracias mil adios saludos"
)
# After one of these a phrase belongs to what follows: "thanks to the update", "hello for business".
_GOVERNING = _set(
    "for to of from with by on at as is are was world pour de du des a au aux avec fur von mit zu an para por con al "
    "del que"
)
# After one of these it belongs to what came before: "how do i say thanks".
_GOVERNED = _set(
    "a an the to say says said no of my your for der die das den dem ein eine einen mein sag sagt sagen kein von zum "
    "le la les un une mon dire dit de pour el los las una mi decir dice del como"
)


@dataclass(frozen=True)
class Heard:
    """What was heard in a message: one kind of small talk, a wish for a person (`asked`), or neither (None).

    language: that of the phrases, "" where there were none; question: the normalised text to match.
    """

    reason: DecisionReason | None
    language: str
    question: str


class _Word(NamedTuple):
    text: str
    start: int
    end: int


class _Phrase(NamedTuple):
    reason: DecisionReason | None  # None: a filler
    languages: frozenset[str]
    unmistakable: bool


class _Piece(NamedTuple):
    """Words [start, end) of a message that are one phrase."""

    start: int
    end: int
    phrase: _Phrase


class SmallTalk:
    """The phrases and patterns of some languages, the first of which decides where several fit. Immutable."""

    def __init__(self, rows: Iterable[tuple[str, str, str]], languages: Sequence[str]) -> None:
        self._languages = tuple(languages)
        self._phrases: dict[str, _Phrase] = {}
        lengths_from: dict[str, set[int]] = {}
        lengths_to: dict[str, set[int]] = {}
        for kind, language, text in rows:
            if language in self._languages:
                words = [word.text for word in _words(normalise(text))]
                self._add(kind, language, words)
                lengths_from.setdefault(words[0], set()).add(len(words))
                lengths_to.setdefault(words[-1], set()).add(len(words))
        self._lengths_from, self._lengths_to = _longest_first(lengths_from), _longest_first(lengths_to)

    def hear(self, normalised: str) -> Heard:
        """Recognise a normalised message."""
        words = _words(normalised)
        leading = self._leading(words)
        if leading and leading[-1].end == len(words):
            reasons = {piece.phrase.reason for piece in leading}
            reason = next((reason for reason in _PRECEDENCE if reason in reasons), None)
            if reason is not None:
                return Heard(reason, self._language(leading), normalised)
        question = self._question(normalised, words, leading)
        language = wish_language(_sentences(normalised, words), self._languages)
        if language is not None:
            return Heard(DecisionReason.ASKED, language, question)
        return Heard(None, "", question)

    def _add(self, kind: str, language: str, words: list[str]) -> None:
        key, reason = " ".join(words), None if kind == FILLER else DecisionReason(kind)
        known = self._phrases.get(key)
        if known is not None and known.reason is not None:
            reason = known.reason
        languages = frozenset({language}) | (known.languages if known else frozenset())
        self._phrases[key] = _Phrase(reason, languages, words[0] in _UNMISTAKABLE or not words[0].isalnum())

    def _leading(self, words: Sequence[_Word]) -> list[_Piece]:
        """The phrases and fillers that a message begins with, each the longest that fits."""
        pieces: list[_Piece] = []
        at = 0
        while at < len(words):
            for length in self._lengths_from.get(words[at].text, ()):
                phrase = self._phrases.get(" ".join([word.text for word in words[at : at + length]]))
                if phrase is not None and at + length <= len(words):
                    pieces.append(_Piece(at, at + length, phrase))
                    at += length
                    break
            else:
                if words[at].text.isalnum():
                    break
                at += 1  # an emoji that means nothing to us
        return pieces

    def _trailing(self, words: Sequence[_Word]) -> list[_Piece]:
        """Those that it ends with, the last one first."""
        pieces: list[_Piece] = []
        end = len(words)
        while end > 0:
            for length in self._lengths_to.get(words[end - 1].text, ()):
                phrase = self._phrases.get(" ".join([word.text for word in words[max(0, end - length) : end]]))
                if phrase is not None and end >= length:
                    pieces.append(_Piece(end - length, end, phrase))
                    end -= length
                    break
            else:
                if words[end - 1].text.isalnum():
                    break
                end -= 1
        return pieces

    def _question(self, text: str, words: Sequence[_Word], leading: Sequence[_Piece]) -> str:
        """The text without the small talk at its ends; the whole of it when fewer than two words would be left."""
        first, last, spoken = 0, len(words), False
        for piece in leading:
            spoken = spoken or piece.phrase.reason in _STRIPPED
            clear = piece.phrase.unmistakable and piece.phrase.reason in _LEADING
            if piece.end < len(words) and spoken:
                free = clear and words[piece.end].text not in _GOVERNING
                if free or _apart(text, words, piece.end):
                    first = piece.end
        spoken = False
        for piece in self._trailing(words):
            if piece.start <= first:
                break
            spoken = spoken or piece.phrase.reason in _STRIPPED
            clear = piece.phrase.unmistakable and piece.phrase.reason in _TRAILING
            if spoken and (
                (clear and words[piece.start - 1].text not in _GOVERNED) or _apart(text, words, piece.start)
            ):
                last = piece.start
        if (first == 0 and last == len(words)) or last - first < _FEWEST_WORDS:
            return text
        start = words[first - 1].end if first else 0
        return normalise(text[start : words[last - 1].end])

    def _language(self, pieces: Sequence[_Piece]) -> str:
        """The language of most phrases; of several, the one that is set first."""
        count = Counter(language for piece in pieces if piece.phrase.reason for language in piece.phrase.languages)
        return max(self._languages, key=lambda language: count[language])


@lru_cache(maxsize=8)
def small_talk(languages: tuple[str, ...] = LANGUAGES) -> SmallTalk:
    """The shipped phrases and patterns of some languages."""
    with (resource("training_data") / "small_talk.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["kind"], row["language"], row["text"]) for row in csv.DictReader(file)]
    return SmallTalk(rows, languages)


def _longest_first(lengths: Mapping[str, Iterable[int]]) -> dict[str, tuple[int, ...]]:
    return {word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()}


def _words(normalised: str) -> list[_Word]:
    return [_Word(_fold(match[0]), *match.span()) for match in _TOKEN.finditer(normalised)]


@lru_cache(maxsize=4096)
def _fold(word: str) -> str:
    """A word as people type it in haste: without apostrophes, accents and drawn-out letters."""
    if word.isascii():
        return _LONG_RUN.sub(r"\1", word.replace("'", ""))
    plain = unicodedata.normalize("NFKD", word.replace("'", ""))
    return _LONG_RUN.sub(r"\1", "".join(c for c in plain if not unicodedata.combining(c)))


def _apart(text: str, words: Sequence[_Word], at: int) -> bool:
    """Whether a mark or an emoji stands between a word and the one before it."""
    if not (words[at - 1].text.isalnum() and words[at].text.isalnum()):
        return True
    return _MARK.search(text, words[at - 1].end, words[at].start) is not None


def _sentences(text: str, words: Sequence[_Word]) -> list[list[str]]:
    """The words between two marks each."""
    sentences: list[list[str]] = [[]]
    for at, word in enumerate(words):
        if at and _MARK.search(text, words[at - 1].end, word.start):
            sentences.append([])
        sentences[-1].append(word.text)
    return sentences
