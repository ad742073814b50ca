"""Personal data and secrets in what people write are replaced by placeholders before anything is stored or matched.

`jane@example.com` becomes `[email]`: what a message is about stays readable, for people and for the encoder.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple

from helpdesk.redaction.addresses import EMAIL, IP, SPELLED_HINTS, find_addresses
from helpdesk.redaction.credentials import CREDENTIAL_HINTS, SECRET, find_credentials
from helpdesk.redaction.numbers import CARD, IBAN, PHONE, find_numbers
from helpdesk.redaction.own_patterns import OwnPattern, read_patterns


class Personal(NamedTuple):
    """Characters `start` to `end` of a text are personal; kind: what stands there instead, in square brackets."""

    start: int
    end: int
    kind: str


_MASK: Final = "\ufffc"  # stands for each character of a placeholder while one looks: no letter, digit or space
# Spaces and hyphens as word processors and telephones write them; each is one character, so places stay what they are.
_PLAIN: Final = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f", " ") | dict.fromkeys("‐‑‒–—―−", "-"))
# Nearly every message holds none of these, and is done with after a look at its characters.
_MARK: Final = re.compile(r"[@\d:]")
_HINT: Final = re.compile(
    r"@|\d[\d\s().\-/]{5,}\d|[a-z]{2}\d\d[ -]?[a-z0-9]{4}|\d\.\d{1,3}\.|:[0-9a-f]{0,4}:|://", re.IGNORECASE
)


@dataclass(frozen=True)
class Redactor:
    """Finds what is personal and writes a placeholder in its place; `redact` of its own result changes nothing.

    regions: countries (two letters, ISO 3166) whose national telephone numbers are known; own: patterns of operators,
    which go first; on: whether anything is replaced at all.
    """

    regions: tuple[str, ...] = ()
    own: tuple[OwnPattern, ...] = ()
    on: bool = True

    def __call__(self, text: str) -> str:
        """The text with a placeholder for each thing that is personal."""
        return _written(text, self.find(text)) if self.on else text

    def find(self, text: str) -> list[Personal]:
        """What is personal in a text, in its order, without overlaps: what is looked for first has it.

        A placeholder beside a piece can show that the piece is personal, too, so one looks until nothing more is found.
        """
        taken: list[Personal] = []
        while found := self._found(_written(text, taken)):
            taken = sorted([*taken, *(_in_original(piece, taken) for piece in found)])
        return taken

    def _found(self, text: str) -> list[Personal]:
        masked = self._placeholder.sub(lambda match: _MASK * len(match[0]), text)
        taken = [Personal(*match.span(), "") for match in self._placeholder.finditer(text)]
        placeholders = len(taken)
        for look in self._looks(masked):
            for start, end, kind in look(masked):
                taken += [
                    Personal(*rest, kind)
                    for rest in _rests(start, end, taken)
                    if any(map(str.isalnum, text[slice(*rest)]))
                ]
        return taken[placeholders:]

    @cached_property
    def _placeholder(self) -> re.Pattern[str]:
        names = (SECRET, EMAIL, IP, PHONE, CARD, IBAN, *(pattern.name for pattern in self.own))
        return re.compile(rf"\[(?:{'|'.join(names)})\]")

    def _looks(self, text: str) -> Iterable[Callable[[str], Iterable[tuple[int, int, str]]]]:
        for pattern in self.own:
            yield pattern.find
        plain = text.translate(_PLAIN)
        if _may_hold(plain):
            yield lambda _: find_credentials(plain)
            yield lambda _: find_addresses(plain)
            yield lambda _: find_numbers(plain, regions=self.regions)


def _written(text: str, taken: Sequence[Personal]) -> str:
    pieces, end = [], 0
    for found in taken:
        pieces += [text[end : found.start], f"[{found.kind}]"]
        end = found.end
    return "".join([*pieces, text[end:]])


def _in_original(found: Personal, taken: Sequence[Personal]) -> Personal:
    """Where a piece of the text with placeholders for what is taken stands in the text as it was typed."""
    longer = 0
    for other in taken:
        if other.start + longer > found.start:
            break
        longer += len(f"[{other.kind}]") - (other.end - other.start)
    return Personal(found.start - longer, found.end - longer, found.kind)


def _rests(start: int, end: int, taken: Sequence[Personal]) -> Iterator[tuple[int, int]]:
    """What of a piece is not taken yet: a password that holds a staff number is a secret before it and after it."""
    for other in sorted(other for other in taken if other.start < end and start < other.end):
        if start < other.start:
            yield start, other.start
        start = other.end
    if start < end:
        yield start, end


def _may_hold(text: str) -> bool:
    folded = text.casefold()
    if any(word in folded for word in (*CREDENTIAL_HINTS, *SPELLED_HINTS)):
        return True
    return _MARK.search(text) is not None and _HINT.search(text) is not None


def make_redactor(*, on: bool, regions: Sequence[str], patterns: Path | None) -> Redactor:
    """Raises BadInputError that names the line when a pattern of the file cannot be used."""
    return Redactor(tuple(regions), read_patterns(patterns) if patterns and on else (), on)
