"""Tables of FAQ entries, from CSV files and spreadsheets."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from helpdesk.records.files.cells import unescape_cell
from helpdesk.records.files.faq_columns import LIST_FIELDS, FaqTable, find_columns
from helpdesk.records.files.faq_rows import Drafts, FaqFile
from helpdesk.records.files.grids import Grid
from helpdesk.text import normalise

_LINES: Final = re.compile(r"[\r\n]+")


def read_table(grid: Grid, *, encoding: str = "") -> FaqFile:
    """The entries of a table. Raises BadInputError when its columns are none of a FAQ's."""
    table, notes = _settle_grouping(find_columns(grid.names), grid)
    drafts = Drafts(bad=[*grid.bad_rows, *_repeated(table, grid)])
    for line, cells in grid.rows:
        for row in _rows(table, grid.names, cells):
            drafts.add(line, row)
    return FaqFile(
        drafts.entries(),
        sorted(drafts.bad),
        lines=drafts.lines,
        repeated=tuple(drafts.repeated),
        named="intent" in table.fields,
        encoding=encoding,
        separator=grid.separator,
        sheet=grid.sheet,
        ignored=tuple(f"column {name}{_cells(grid, number)}" for number, name in table.ignored),
        notes=tuple(notes),
    )


def _repeated(table: FaqTable, grid: Grid) -> Iterator[tuple[int, str]]:
    """What repeated columns say is lost unless somebody is told: they count as faults of the first line."""
    for number, name in table.repeated:
        if cells := _cells(grid, number):
            yield 1, f"there is a column before that says what {name!r:.60} says; it is left out{cells}"


def _cells(grid: Grid, number: int) -> str:
    """How many cells of a column hold text, in words; "" when none does."""
    count = sum(bool(_cell(cells, number).strip()) for _, cells in grid.rows)
    return f" ({count:,} cell{'' if count == 1 else 's'})" if count else ""


def split_tags(cell: str) -> list[str]:
    """Tags between semicolons; between commas where there is no semicolon."""
    separator = ";" if ";" in cell else ","
    return [tag.strip() for tag in cell.split(separator) if tag.strip()]


def join_tags(tags: Sequence[str]) -> str:
    """The cell that `split_tags` reads as these."""
    joined = ";".join(tags)
    return f"{joined};" if "," in joined and ";" not in joined else joined


def _settle_grouping(table: FaqTable, grid: Grid) -> tuple[FaqTable, list[str]]:
    """A category names the entries when it holds the phrasings of one question each; else it is a tag of theirs.

    One row a category says neither, so it is a tag: a name that another entry has would change that one.
    """
    if table.grouping is None:
        return table, []
    name, question = grid.names[table.grouping], table.fields.get("question")
    if "intent" not in table.fields and question is not None:
        asked: dict[str, set[str]] = defaultdict(set)
        rows = Counter[str]()
        for _, cells in grid.rows:
            group = normalise(_cell(cells, table.grouping))
            asked[group].add(normalise(_cell(cells, question)))
            rows[group] += 1
        several = bool(table.phrasings) or any(count > 1 for count in rows.values())
        if several and all(len(questions - {""}) <= 1 for questions in asked.values()) and "" not in asked:
            fields = table.fields | {"intent": table.grouping}
            return replace(table, fields=fields), []
    if "tags" in table.fields:
        return replace(table, ignored=[*table.ignored, (table.grouping, name)]), []
    fields = table.fields | {"tags": table.grouping}
    return replace(table, fields=fields), [f"{name} becomes a tag of its entries"]


def _rows(table: FaqTable, names: Sequence[str], cells: Sequence[str]) -> Iterator[dict[str, Any]]:
    """What one line says: the entry with its first phrasing, and a row for each further one."""
    row: dict[str, Any] = {field: unescape_cell(_cell(cells, number)) for field, number in table.fields.items()}
    row["extra"] = [cell for cell in cells[len(names) :] if cell.strip()]
    for field in LIST_FIELDS:
        if field in row:
            row[field] = split_tags(row[field])
    for field in ("status", "locale", "urgent"):
        if field in row:
            row[field] = row[field].strip()
    if "status" in row:
        row["status"] = row["status"].casefold()
    if not table.phrasings:
        yield row
        return
    texts = [text for number, many in table.phrasings for text in _texts(_cell(cells, number), many=many)]
    first, *more = texts or [""]
    yield row | {"phrasing": first}
    yield from ({key: row[key] for key in ("intent", "question") if key in row} | {"phrasing": text} for text in more)


def _texts(cell: str, *, many: bool) -> list[str]:
    cell = unescape_cell(cell)
    parts = _LINES.split(cell) if many else [cell]
    return [part for part in parts if part.strip()]


def _cell(cells: Sequence[str], number: int) -> str:
    return cells[number] if number < len(cells) else ""
