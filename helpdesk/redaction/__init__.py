"""Personal data and secrets in what people write are replaced by placeholders before anything is stored or matched.

`jane@example.com` becomes `[email]`: what a message is about stays readable, for people and for the encoder.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from helpdesk.redaction.addresses import SPELLED_HINTS, find_addresses
from helpdesk.redaction.credentials import CREDENTIAL_HINTS, find_credentials
from helpdesk.redaction.numbers import find_numbers
from helpdesk.redaction.own_patterns import OwnPattern, read_patterns


class Personal(NamedTuple):
    """Characters `start` to `end` of a text are personal; kind: what stands there instead, in square brackets."""

    start: int
    end: int
    kind: str


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
        if not self.on:
            return text
        pieces, end = [], 0
        for found in self.find(text):
            pieces += [text[end : found.start], f"[{found.kind}]"]
            end = found.end
        return "".join([*pieces, text[end:]]) if pieces else text

    def find(self, text: str) -> list[Personal]:
        """What is personal in a text, in its order, without overlaps: what is looked for first has it."""
        taken: list[Personal] = []
        for look in self._looks(text):
            for start, end, kind in look(text):
                if all(end <= other.start or start >= other.end for other in taken):
                    taken.append(Personal(start, end, kind))
        return sorted(taken)

    def _looks(self, text: str) -> Iterable[Callable[[str], Iterable[tuple[int, int, str]]]]:
        for pattern in self.own:
            yield pattern.find
        if _may_hold(text):
            yield from (find_credentials, find_addresses, lambda text: find_numbers(text, regions=self.regions))


def _may_hold(text: str) -> bool:
    folded = text.casefold()
    if any(word in folded for word in (*CREDENTIAL_HINTS, *SPELLED_HINTS)):
        return True
    return _MARK.search(text) is not None and _HINT.search(text) is not None


def make_redactor(*, on: bool, regions: Sequence[str], patterns: Path | None) -> Redactor:
    """Raises BadInputError that names the line when a pattern of the file cannot be used."""
    return Redactor(tuple(regions), read_patterns(patterns) if patterns and on else (), on)
