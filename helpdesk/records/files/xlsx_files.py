"""Excel's .xlsx files, in and out, as grids of text."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time
from typing import Any, Final

from helpdesk.errors import BadInputError
from helpdesk.records.files.grids import Grid, trimmed

MAX_UNPACKED = 100_000_000  # bytes: a small file may unpack to any size
MAX_ROWS = 100_000
MAX_COLUMNS = 200
LONGEST_CELL = 32_767  # characters; Excel's own limit
_WIDE, _NARROW = 48, 18  # characters that a column shows
_WIDE_COLUMNS: Final = ("question", "answer", "phrasing")
_UNWRITABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WRITTEN: Final = re.compile(r"_x00(0[0-8BCEF]|1[0-9A-F])_")
_TO_DO: Final = "save it in Excel as .xlsx, or as CSV UTF-8"


def is_xlsx(data: bytes) -> bool:
    """Whether it is a zip archive with a workbook in it."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def read_xlsx(data: bytes) -> Grid:
    """The first sheet that has rows: values, not formulas. Raises BadInputError."""
    from openpyxl import load_workbook

    _require_small(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            rows = list(_rows(sheet))
            if rows:
                return Grid(trimmed(rows[0][1]), rows[1:], sheet=sheet.title)
    except BadInputError:
        raise
    except Exception as error:  # openpyxl says of a damaged file whatever its parts say
        raise BadInputError(f"a damaged .xlsx file ({type(error).__name__}); {_TO_DO}") from None
    raise BadInputError("no sheet of it has any rows")


def write_xlsx(names: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook of one sheet. Raises BadInputError for a text that is too long for a cell."""
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook(write_only=True)
    sheet = book.create_sheet("FAQ")
    sheet.freeze_panes = "A2"
    for column, name in enumerate(names, 1):
        sheet.column_dimensions[get_column_letter(column)].width = _WIDE if name in _WIDE_COLUMNS else _NARROW
    sheet.append(list(names))
    for row in rows:
        for name, cell in zip(names, row, strict=True):
            if len(cell) > LONGEST_CELL:
                raise BadInputError(
                    f"{name} {cell!r:.60} has {len(cell):,} characters, more than a cell of Excel takes; "
                    "export it as CSV or JSON"
                )
        sheet.append([_UNWRITABLE.sub(lambda found: f"_x{ord(found[0]):04X}_", cell) for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _require_small(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise BadInputError(f"no .xlsx file, whatever its name says; {_TO_DO}") from None
    if unpacked > MAX_UNPACKED:
        raise BadInputError(f"unpacks to {unpacked:,} bytes; expected at most {MAX_UNPACKED:,}")


def _rows(sheet: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows with anything in them. What a sheet says of its size is not believed: some say that it is one cell."""
    sheet.reset_dimensions()
    found = 0
    for number, values in enumerate(sheet.iter_rows(values_only=True), 1):
        if all(value is None for value in values):
            continue
        cells = trimmed([_text(value) for value in values[: MAX_COLUMNS + 1]])
        if len(cells) > MAX_COLUMNS:
            raise BadInputError(f"row {number} of sheet {sheet.title!r} has more than {MAX_COLUMNS} cells")
        if cells:
            found += 1
            yield number, cells
        if found > MAX_ROWS:
            raise BadInputError(f"sheet {sheet.title!r} has more than {MAX_ROWS:,} rows; import it in parts")


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return _WRITTEN.sub(lambda found: chr(int(found[1], 16)), str(value))
