"""What a cell of a FAQ file may hold, and what keeps spreadsheets from running it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from helpdesk.records.faq import MAX_ANSWER, MAX_PHRASING
from helpdesk.records.files.faq_columns import LIST_FIELDS
from helpdesk.records.follow_ups import MAX_FOLLOW_UPS
from helpdesk.text import normalise, slugify

LONGEST_NAME: Final = 128
LONGEST_LOCALE: Final = 16
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_STATUSES = ("published", "draft", "archived")
_YES, _NO = ("yes", "true", "1", "ja"), ("no", "false", "0", "nein")
YES_OR_NO: Final = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)


def text_fault(name: str, text: str, *, longest: int = MAX_PHRASING) -> str | None:
    """Why a text cannot be learnt from, None when it can."""
    if _unstorable(text):
        return f"{name} holds a NUL or a lone surrogate"
    if len(text) > longest:
        return f"{name} has {len(text)} characters; expected at most {longest}"
    return None if normalise(text) else f"{name} {text!r:.80} has no letters or digits"


def cells_fault(cells: Mapping[str, Any]) -> str | None:
    """What is wrong with one row of a FAQ file, cells by field, None when nothing is."""
    if cells.get("extra"):
        return f"{len(cells['extra'])} cell(s) too many; is a separator or a quote missing?"
    for name, value in cells.items():
        if name in LIST_FIELDS and not (isinstance(value, list) and all(isinstance(tag, str) for tag in value)):
            return f"{name} is {value!r:.60}; expected a list of texts"
        if name not in (*LIST_FIELDS, "extra") and not isinstance(value, str):
            return f"{name} is {value!r:.60}; expected text"
        if any(_unstorable(text) for text in (value if name in LIST_FIELDS else [value]) if isinstance(text, str)):
            return f"{name} holds a NUL or a lone surrogate"
    if len(cells.get("follow_ups") or ()) > MAX_FOLLOW_UPS:
        return f"follow_ups names {len(cells['follow_ups'])} entries; expected at most {MAX_FOLLOW_UPS}"
    if len(answer := cells.get("answer") or "") > MAX_ANSWER:
        return f"answer has {len(answer):,} characters; expected at most {MAX_ANSWER:,}"
    return _intent_fault(cells) or _texts_fault(cells) or _choice_fault(cells)


def _unstorable(value: str) -> bool:
    return _UNSTORABLE.search(value) is not None


def _intent_fault(cells: Mapping[str, Any]) -> str | None:
    if "intent" not in cells:
        return text_fault("question", cells.get("question", ""))
    name = cells["intent"]
    if not name.strip():
        return "intent is empty"
    if not slugify(name):
        return f"intent {name!r:.60} has no letters or digits"
    return f"intent {name!r:.60} is longer than {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else None


def _texts_fault(cells: Mapping[str, Any]) -> str | None:
    if cells.get("question") and (fault := text_fault("question", cells["question"])):
        return fault
    if "phrasing" not in cells or (cells["phrasing"] == "" and (cells.get("question") or cells.get("answer"))):
        return None
    return text_fault("phrasing", cells["phrasing"])


def _choice_fault(cells: Mapping[str, Any]) -> str | None:
    status, locale = cells.get("status") or "published", cells.get("locale") or ""
    if status not in _STATUSES:
        return f"status is {status!r:.40}; expected published or draft"
    urgent = cells.get("urgent") or "no"
    if urgent.strip().casefold() not in YES_OR_NO:
        return f"urgent is {urgent!r:.40}; expected yes or no"
    return f"locale is {locale!r:.40}; expected a short name such as en" if len(locale) > LONGEST_LOCALE else None


def escape_cell(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return "'" + cell if cell.startswith(_FORMULA) or cell.startswith("'") else cell


def unescape_cell(cell: str) -> str:
    """The cell that `escape_cell` was given."""
    return cell[1:] if cell.startswith("'") and (cell[1:2] in (*_FORMULA, "'") and cell[1:]) else cell
