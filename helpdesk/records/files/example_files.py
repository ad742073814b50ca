"""CSV files of examples, in and out: the kind is told by the columns, every bad row is reported with its line."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records.examples import TEXT_COLUMNS, WITH_VALUE, NewExample
from helpdesk.records.files.cells import escape_cell, text_fault, unescape_cell
from helpdesk.records.files.csv_files import BadRows, read_bytes, read_rows, read_text
from helpdesk.records.files.decoding import decode
from helpdesk.records.files.faq_columns import find_columns
from helpdesk.records.files.faq_files import FAQ_SUFFIXES
from helpdesk.records.files.grids import read_grid
from helpdesk.records.tables import Example
from helpdesk.text import normalise

LABELLED = "labelled"
_EXPECTED = "text,intent | " + " | ".join(",".join(columns) for columns in TEXT_COLUMNS.values())


@dataclass(frozen=True)
class ExampleFile:
    """What a file holds: rows of one kind, and the rows that could not be read."""

    kind: str
    rows: list[NewExample]
    bad_rows: list[tuple[int, str]]

    def require_good(self) -> None:
        """Raise BadRowsError when any row is bad."""
        if self.bad_rows:
            raise BadRowsError(self.bad_rows)


def recognise(path: Path) -> str:
    """The kind of rows in a file: a key of TEXT_COLUMNS, told by the columns of a CSV file, else LABELLED (a FAQ)."""
    if path.is_dir() or path.suffix.lower() in FAQ_SUFFIXES:
        return LABELLED
    try:
        columns = read_grid(decode(read_bytes(path))[0]).names
    except BadInputError as error:
        raise BadInputError(str(error) if str(error).startswith(str(path)) else f"{path}: {error}") from None
    for kind, expected in TEXT_COLUMNS.items():
        if sorted(columns) == sorted(expected):
            return kind
    try:
        find_columns(columns)
    except BadInputError:
        raise BadInputError(f"columns {columns} found; expected one of {_EXPECTED}") from None
    return LABELLED


def read_examples(path: Path, kind: str) -> ExampleFile:
    """Read a CSV file of one kind, whose columns are known to fit. The line of a row is where it ends."""
    found = ExampleFile(kind, [], BadRows())
    earlier: dict[str, tuple[int, float | None]] = {}
    for line, cells in read_rows(read_text(path), found.bad_rows):
        row = _example(kind, cells)
        reason = row if isinstance(row, str) else _contradiction(row, earlier)
        if isinstance(row, str) or reason:
            found.bad_rows.append((line, str(reason)))
            continue
        earlier.setdefault(row.key, (line, row.value))
        found.rows.append(row)
    return found


def write_examples(kind: str, examples: Iterable[Example]) -> str:
    """The rows of a kind as a CSV file that imports as they are."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(TEXT_COLUMNS[kind])
    for example in examples:
        value = () if example.value is None else (f"{example.value:.10g}",)
        writer.writerow([*(escape_cell(text) for text in example.texts), *value])
    return out.getvalue()


def _example(kind: str, cells: dict[str, Any]) -> NewExample | str:
    """The row, or what is wrong with it."""
    if extra := cells.get(None):  # type: ignore[call-overload]
        return f"{len(extra)} cell(s) too many; is a comma or a quote missing?"
    columns = TEXT_COLUMNS[kind]
    if missing := [name for name in columns if cells.get(name) is None]:
        return f"{', '.join(missing)} missing"
    names = columns[:-1] if kind in WITH_VALUE else columns
    texts = tuple(unescape_cell(cells[name]) for name in names)
    reason = next(filter(None, map(text_fault, names, texts)), None) or _repetition(names, texts)
    if reason:
        return reason
    value = _number(cells[columns[-1]], kind) if kind in WITH_VALUE else None
    return value if isinstance(value, str) else NewExample(kind, texts, value)


def _repetition(names: Sequence[str], texts: Sequence[str]) -> str | None:
    seen: dict[str, str] = {}
    for name, text in zip(names, texts, strict=True):
        if (other := seen.setdefault(normalise(text), name)) != name:
            return f"{other} and {name} are the same text {text!r:.60}"
    return None


def _number(cell: str, kind: str) -> float | str:
    try:
        value = float(cell)
    except ValueError:
        value = -1.0
    if kind == "similar":
        return value if value in (0.0, 1.0) else f"similar is {cell!r:.40}; expected 0 or 1"
    return value if 0.0 <= value <= 1.0 else f"similarity is {cell!r:.40}; expected a number from 0 to 1"


def _contradiction(row: NewExample, earlier: dict[str, tuple[int, float | None]]) -> str | None:
    line, value = earlier.get(row.key, (0, row.value))
    return None if value == row.value else f"{row.value:g} differs from {value:g} for the same texts on line {line}"
