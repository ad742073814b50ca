"""Files of Excel, made on the spot."""

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook


def workbook(*sheets: Iterable[Sequence[object]]) -> bytes:
    """A workbook with these sheets, each a list of rows."""
    book = Workbook(write_only=True)
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
