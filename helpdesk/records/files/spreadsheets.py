"""CSV files that a spreadsheet opens as they are meant."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Final

from helpdesk.records.files.cells import escape_cell
from helpdesk.text import visible

MARK: Final = "\ufeff"  # without it Excel takes UTF-8 for something else


def write_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """CSV with a byte order mark; no cell is run as a formula, and control characters are spelled out."""
    return MARK + write_line(columns) + "".join(map(write_line, rows))


def write_line(row: Sequence[Any]) -> str:
    """One row of such a file, without the mark that the first one begins with."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in row])
    return line.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return escape_cell(visible(value))
    return f"{value:.4f}" if isinstance(value, float) else value
