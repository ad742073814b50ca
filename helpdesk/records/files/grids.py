"""Rows and columns, as CSV files and spreadsheets have them: the names of the columns, and cells as text."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from helpdesk.errors import BadInputError
from helpdesk.records.files.csv_files import BadRows, read_records

SEPARATORS: Final = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_LOOKED_AT = 50  # rows that tell the separator, at most in so many characters
_LOOKED_THROUGH = 500_000
_SEPARATOR_LINE: Final = re.compile(r"sep=([,;\t|])\r?\n", re.IGNORECASE)


@dataclass(frozen=True)
class Grid:
    """Names of the columns, and (line on which it ends, cells) of each row below them that is not empty."""

    names: list[str]
    rows: list[tuple[int, list[str]]]
    bad_rows: BadRows = field(default_factory=list)
    separator: str = ""
    sheet: str = ""


def read_grid(text: str, separator: str = "") -> Grid:
    """A CSV text; its separator is the given one, or what makes its rows equally long.

    Raises BadInputError when its first line is no CSV. Where a later one is none, it is left out.
    """
    said = _SEPARATOR_LINE.match(text)
    start = said.end() if said else 0
    separator = find_separator(separator) if separator else said[1] if said else _likely_separator(text[start:])
    skipped = int(said is not None)
    found = BadRows()
    records = read_records(text[start:], found, separator=separator)
    rows = [(line + skipped, cells) for line, cells in records if any(cell.strip() for cell in cells)]
    bad = [(line + skipped, reason) for line, reason in found]
    names = rows[0][1] if rows else []
    return Grid(trimmed(names), rows[1:], bad, separator)


def find_separator(text: str) -> str:
    """The separator that is meant: itself, its name, or `\\t`. Raises BadInputError."""
    wanted = "\t" if text in ("\\t", "\t") else text.strip().casefold()
    for separator, name in SEPARATORS.items():
        if wanted in (separator, name):
            return separator
    raise BadInputError(f"separator {text!r:.20}; expected one of {', '.join(SEPARATORS.values())}")


def trimmed(cells: Sequence[str]) -> list[str]:
    """Cells without empty ones at the end."""
    last = max((number for number, cell in enumerate(cells, 1) if cell.strip()), default=0)
    return list(cells[:last])


def _likely_separator(text: str) -> str:
    """The one under which most rows are as long as the first one, and longest; a comma when none separates."""
    start = text[:_LOOKED_THROUGH]
    return max(SEPARATORS, key=lambda separator: _evenness(start, separator))


def _evenness(text: str, separator: str) -> tuple[float, int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    widths: list[int] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                widths.append(len(cells))
            if len(widths) == _LOOKED_AT:
                break
    except csv.Error:
        pass  # what is no CSV is told when it is read; here its first rows are enough
    if not widths or widths[0] < 2:
        return (0.0, 0)
    return (sum(width == widths[0] for width in widths) / len(widths), widths[0])
