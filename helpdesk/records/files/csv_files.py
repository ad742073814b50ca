"""CSV files as text: what every reader of one shares. What is no CSV is a bad row, with its line."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from helpdesk.errors import BadInputError, BadRowsError

MAX_FILE_BYTES = 200_000_000
BadRows = list[tuple[int, str]]


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
    """The names in the first line. Raises BadInputError when it is no CSV."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except csv.Error as error:
        raise BadInputError(f"line 1: {csv_fault(error)}") from None


def read_rows(text: str, bad: BadRows) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line on which it ends, cells by column) of each row below the names; where it is no CSV `bad` gets the line."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        bad.append((reader.line_num, f"{csv_fault(error)}; nothing after it was read"))


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
    return f"not CSV: {error}"
