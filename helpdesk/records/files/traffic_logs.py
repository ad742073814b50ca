"""Logs of real traffic: CSV with `text,intent[,day]`, what each message means beside it. Read, never stored."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records.faq import Entry
from helpdesk.records.files.cells import text_fault
from helpdesk.records.files.csv_files import BadRows, read_columns, read_rows, read_text
from helpdesk.records.files.faq_files import read_faq
from helpdesk.records.files.labelled_sets import OOS_NAME
from helpdesk.text import OUT_OF_SCOPE, slugify

OUT_OF_SCOPE_NAMES: Final = frozenset({OOS_NAME, "out_of_scope", ""})
_COLUMNS: Final = ("text", "intent")


@dataclass(frozen=True)
class Asked:
    """A message of a log: its text, what it means (OUT_OF_SCOPE: none of the FAQ), its day where the log has days."""

    text: str
    intent: str
    day: str | None = None


def read_published(path: Path) -> list[Entry]:
    """The entries of a FAQ file that are answered. Raises BadInputError, in one line, for a file with a bad row."""
    with _one_line(path):
        found = read_faq(path)
        found.require_good()
    if taken := sorted({entry.slug for entry in found.entries} & OUT_OF_SCOPE_NAMES):
        raise BadInputError(f"{path} has an entry {taken[0]!r}; in a log this name means none of the FAQ")
    return [entry for entry in found.entries if entry.status in (None, "published")]


def read_log(path: Path, entries: list[Entry], *, longest: int) -> list[Asked]:
    """The messages of a log in their order; `longest` is the most characters of a text.

    Raises BadInputError, in one line, for a file with a bad cell or an intent that no entry has.
    """
    known = {entry.slug for entry in entries}
    bad = BadRows()
    asked = []
    with _one_line(path):
        text = read_text(path)
        columns = read_columns(text)
        if not set(_COLUMNS) <= set(columns):
            raise BadInputError(f"columns {columns} found; expected text,intent[,day]")
        for line, cells in read_rows(text, bad):
            if fault := _fault(cells, known, longest):
                bad.append((line, fault))
            else:
                asked.append(_asked(cells))
        if bad:
            raise BadRowsError(sorted(bad))
    if not asked:
        raise BadInputError(f"{path} has no rows; expected messages")
    return asked


def _fault(cells: dict[Any, Any], known: set[str], longest: int) -> str | None:
    if extra := cells.get(None):
        return f"{len(extra)} cell(s) too many; is a comma or a quote missing?"
    for name in ("text", "intent", "day"):
        if name in cells and cells[name] is None:
            return f"{name} is missing"
    if "day" in cells and not cells["day"].strip():
        return "day is empty; expected any name of a day"
    intent = cells["intent"].strip()
    if bool(intent) != bool(slugify(intent)) or slugify(intent) not in known | OUT_OF_SCOPE_NAMES:
        return f"intent {intent!r:.140} is no published entry of the FAQ; expected one, or {OOS_NAME} for none of them"
    return text_fault("text", cells["text"], longest=longest)


def _asked(cells: dict[str, str]) -> Asked:
    intent = slugify(cells["intent"])
    day = cells.get("day")
    return Asked(
        cells["text"], OUT_OF_SCOPE if intent in OUT_OF_SCOPE_NAMES else intent, None if day is None else day.strip()
    )


@contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """Several files are read: what is wrong names the file, and of many bad rows the first."""
    try:
        yield
    except BadRowsError as error:
        line, reason = error.rows[0]
        more = f" (and {len(error.rows) - 1} more bad rows)" if len(error.rows) > 1 else ""
        raise BadInputError(f"{path}, line {line}: {reason}{more}") from None
    except BadInputError as error:
        said = str(error)
        raise BadInputError(said if said.startswith(str(path)) else f"{path}: {said}") from None
