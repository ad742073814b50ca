"""CSV files as text: what every reader of one shares. What is no CSV is a bad row, with its line."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from helpdesk.errors import BadInputError, BadRowsError

MAX_FILE_BYTES = 200_000_000
BadRows = list[tuple[int, str]]
_MOST_FAULTS = 1000  # after which nothing more is read


def read_bytes(path: Path) -> bytes:
    """What is in a file. Raises BadInputError when it is missing or too large."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadInputError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise BadInputError(f"{path}: {error.strerror}; expected a file") from None


def read_text(path: Path) -> str:
    """A file as text. Raises BadInputError when it is missing, too large or not UTF-8."""
    try:
        return io.TextIOWrapper(io.BytesIO(read_bytes(path)), encoding="utf-8-sig").read()
    except UnicodeDecodeError as error:
        raise BadInputError(f"{path} is not UTF-8 at byte {error.start}; expected a text file in UTF-8") from None


def read_columns(text: str) -> list[str]:
    """The names in the first line. Raises BadInputError when it is no CSV, or has a name twice."""
    names = next((cells for _, cells in read_records(text, BadRows())), [])
    if twice := next((name for name, count in Counter(names).items() if name.strip() and count > 1), None):
        raise BadInputError(f"{names.count(twice)} columns are named {twice!r:.60}; expected one of each name")
    return names


def read_rows(text: str, bad: BadRows) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line on which it ends, cells by column) of each row below the names; where it is no CSV `bad` gets the line.

    Cells that are missing are None; those too many are a list under the key None.
    """
    names: list[str] | None = None
    for line, cells in read_records(text, bad):
        if names is None:
            names = cells
        elif cells:
            row: dict[Any, Any] = dict(zip(names, [*cells, *[None] * (len(names) - len(cells))], strict=False))
            yield line, row | ({None: cells[len(names) :]} if len(cells) > len(names) else {})


def read_records(text: str, bad: BadRows, *, separator: str = ",") -> Iterator[tuple[int, list[str]]]:
    """(line on which it ends, cells) of each row, names included.

    Where a row is no CSV, as with a quotation mark that nothing closes, `bad` gets the line on which it begins, and
    reading goes on with the next line that is as long as the first row: what a stray mark swallows are other rows.
    Raises BadInputError when the first row is no CSV.
    """
    lines = list(io.StringIO(text, newline=""))
    width, begun = 0, 0
    while begun < len(lines):
        start = begun
        reader = csv.reader((lines[number] for number in range(start, len(lines))), strict=True, delimiter=separator)
        try:
            for cells in reader:
                begun = start + reader.line_num
                width = width or len(cells)
                yield begun, cells
            return
        except csv.Error as error:
            if not width:
                raise BadInputError(f"line {begun + 1}: {csv_fault(error)}") from None
            again = _next_row(lines, begun + 1, width, separator) if len(bad) < _MOST_FAULTS else len(lines)
            bad.append((begun + 1, f"{csv_fault(error)}; {_left_out(begun, again, len(lines))}"))
            begun = again


def _next_row(lines: Sequence[str], start: int, width: int, separator: str) -> int:
    """The next line that is a row of this many cells by itself; the number of lines when there is none."""
    for number in range(start, len(lines)):
        with suppress(csv.Error):
            if len(next(csv.reader([lines[number]], strict=True, delimiter=separator), [])) == width:
                return number
    return len(lines)


def _left_out(begun: int, again: int, count: int) -> str:
    rest = "nothing after it was read" if again == count else f"reading went on at line {again + 1}"
    return rest if again == begun + 1 else f"{again - begun:,} lines were left out, {rest}"


def read_column(path: Path, name: str) -> list[str]:
    """One column of a file that must be without fault. Raises BadInputError, BadRowsError."""
    text, bad = read_text(path), BadRows()
    if name not in read_columns(text):
        raise BadInputError(f"{path} has no column {name}")
    found = [(line, cells[name]) for line, cells in read_rows(text, bad)]
    bad += [(line, f"{name} is missing") for line, cell in found if cell is None]
    if bad:
        raise BadRowsError(bad)
    return [cell for _, cell in found]


def csv_fault(error: csv.Error) -> str:
    """What is wrong, in words."""
    if "field limit" in str(error):
        return f"a cell has more than {csv.field_size_limit():,} characters; is a quote missing?"
    if "unexpected end of data" in str(error):
        return "not CSV: a quotation mark is opened and never closed"
    return f"not CSV: {error}"
