"""Patterns of operators: what else is personal in their house, a staff number or a policy number."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from helpdesk.errors import BadInputError

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True)
class OwnPattern:
    """What the pattern finds becomes `[name]`."""

    name: str
    pattern: re.Pattern[str]

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, name) of what is found."""
        for match in self.pattern.finditer(text):
            if match.end() > match.start():
                yield match.start(), match.end(), self.name


def read_patterns(path: Path) -> tuple[OwnPattern, ...]:
    """One pattern a line: a name, spaces, a regular expression; empty lines and those that begin with # are skipped.

    Raises BadInputError that names the file and the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"the patterns in {path} cannot be read: {error}") from error
    return tuple(
        _pattern(line.strip(), f"{path}, line {number}")
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.lstrip().startswith("#")
    )


def require_fast(patterns: Sequence[OwnPattern]) -> None:
    """Raise BadInputError that names the pattern with which a long message would take too long."""
    from helpdesk.redaction.pattern_trial import slow_pattern

    try:
        number = slow_pattern([own.pattern.pattern for own in patterns])
    except OSError as error:
        raise BadInputError(f"the patterns cannot be tried: {error}") from error
    if number is not None:
        own = patterns[number]
        raise BadInputError(
            f"pattern {own.name} takes too long on a long message: {own.pattern.pattern!r:.80}; "
            "write it without a repetition within a repetition, (a+)+, or with bounds, a{1,40}"
        )


def _pattern(line: str, where: str) -> OwnPattern:
    name, _, expression = line.partition(" ")
    if not _NAME.fullmatch(name) or not expression.strip():
        raise BadInputError(f"{where}: {line!r:.80}; expected a name of small letters and a regular expression")
    try:
        pattern = re.compile(expression.strip())
    except re.error as error:
        raise BadInputError(f"{where}: {expression.strip()!r:.80} is no regular expression: {error}") from error
    if pattern.fullmatch(""):
        raise BadInputError(f"{where}: {expression.strip()!r:.80} matches nothing at all; expected what must be there")
    return OwnPattern(name, pattern)
