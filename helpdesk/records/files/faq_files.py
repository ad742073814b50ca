"""FAQ files: CSV and JSON, in and out. Every bad row is reported with its line; good files round-trip."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records.faq import MAX_PHRASING, Entry
from helpdesk.records.files.csv_files import BadRows, read_columns, read_rows, read_text
from helpdesk.records.tables import Intent
from helpdesk.text import normalise, slugify

FAQ_COLUMNS = ("intent", "question", "answer", "phrasing", "locale", "tags", "status")
_FIELDS = ("question", "answer", "locale", "status")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_STATUSES = ("published", "draft", "archived")


@dataclass(frozen=True)
class FaqFile:
    """What a file holds: entries by slug, and the rows that could not be read."""

    entries: list[Entry]
    bad_rows: list[tuple[int, str]]

    def require_good(self) -> None:
        """Raise BadRowsError when any row is bad."""
        if self.bad_rows:
            raise BadRowsError(self.bad_rows)


def read_faq(path: Path) -> FaqFile:
    """Read a FAQ file: `.json`, or CSV with `intent,question,answer,phrasing[,locale,tags]`, or `text,intent`."""
    text = read_text(path)
    return _read_json(text) if path.suffix.lower() == ".json" else _read_csv(text)


def read_labelled(path: Path) -> list[tuple[str, str]]:
    """The (text, intent) rows of a bare labelled CSV (`text,intent` or `text,category`), in file order."""
    text, bad, rows = read_text(path), BadRows(), []
    label = _label_column(read_columns(text))
    for line, cells in read_rows(text, bad):
        row = (cells["text"] or "", (cells[label] or "").strip())
        rows.append(row)
        if not all(row):
            bad.append((line, "empty text or intent"))
    if bad:
        raise BadRowsError(bad)
    return rows


def write_csv(intents: Iterable[Intent]) -> str:
    """One row a phrasing; cells that a spreadsheet would run as a formula are prefixed with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FAQ_COLUMNS)
    for intent in intents:
        for text in _texts(intent) or [""]:
            row = (intent.slug, intent.question, intent.answer, text, intent.locale, ";".join(intent.tags))
            writer.writerow([escape_cell(cell) for cell in (*row, intent.status)])
    return out.getvalue()


def write_json(intents: Iterable[Intent]) -> str:
    """A list of entries, phrasings inside."""
    entries = [
        {
            "intent": intent.slug,
            "question": intent.question,
            "answer": intent.answer,
            "locale": intent.locale,
            "tags": list(intent.tags),
            "status": intent.status,
            "phrasings": _texts(intent),
        }
        for intent in intents
    ]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _texts(intent: Intent) -> list[str]:
    return [p.text for p in intent.phrasings if p.text != intent.question or p.source != "question"]


def _read_csv(text: str) -> FaqFile:
    drafts = _Drafts()
    columns = read_columns(text)
    label = None if {"intent", "phrasing"} <= set(columns) else _label_column(columns)
    for line, cells in read_rows(text, drafts.bad):
        drafts.add(line, _bare(cells, label) if label else _full(cells))
    return drafts.finish()


def _label_column(columns: Iterable[str]) -> str:
    names = list(columns)
    for label in ("intent", "category"):
        if "text" in names and label in names:
            return label
    raise BadInputError(f"columns {names} found; expected intent,question,answer,phrasing[,locale,tags] or text,intent")


def _bare(row: dict[str, Any], label: str) -> dict[str, Any]:
    return {"intent": row[label], "phrasing": row["text"], "extra": row.get(None)}  # type: ignore[call-overload]


def _full(row: dict[str, Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {name: unescape_cell(row[name]) for name in FAQ_COLUMNS if row.get(name) is not None}
    if "tags" in cells:
        cells["tags"] = [tag.strip() for tag in cells["tags"].split(";") if tag.strip()]
    return cells | {"extra": row.get(None)}  # type: ignore[call-overload]


def _read_json(text: str) -> FaqFile:
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(f"not JSON: {error}") from None
    if not isinstance(items, list):
        raise BadInputError(f"a {type(items).__name__} found; expected a list of entries")
    drafts = _Drafts()
    for number, item in enumerate(items, 1):
        for cells in _json_rows(item):
            drafts.add(number, cells)
    return drafts.finish()


def _json_rows(item: object) -> Iterator[dict[str, Any]]:
    if not isinstance(item, dict):
        yield {"wrong": f"{item!r:.60} found; expected an object with `intent`"}
        return
    phrasings = item.get("phrasings", [])
    if not isinstance(phrasings, list):
        yield {"wrong": f"phrasings is {phrasings!r:.60}; expected a list of texts"}
        return
    cells = {key: item[key] for key in ("intent", "tags", *_FIELDS) if key in item}
    yield cells
    for phrasing in phrasings:
        yield {"intent": item.get("intent"), "phrasing": phrasing}


@dataclass
class _Drafts:
    by_slug: dict[str, dict[str, Any]] = field(default_factory=dict)
    bad: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, cells: dict[str, Any]) -> None:
        reason = cells.get("wrong") or _fault(cells) or self._contradiction(cells)
        if reason:
            self.bad.append((line, reason))
            return
        name = cells["intent"].strip()
        draft = self.by_slug.setdefault(slugify(name), {"phrasings": [], "name": name})
        draft |= {key: cells[key] for key in ("tags", *_FIELDS) if cells.get(key)}
        if cells.get("phrasing"):
            draft["phrasings"].append(cells["phrasing"])

    def _contradiction(self, cells: dict[str, Any]) -> str | None:
        draft = self.by_slug.get(slugify(cells["intent"]), {})
        for name in ("question", "answer"):
            if cells.get(name) and draft.get(name, cells[name]) != cells[name]:
                return f"{name} {cells[name]!r:.80} differs from an earlier row of intent {draft['name']!r}"
        return None

    def finish(self) -> FaqFile:
        entries = [
            Entry(
                slug,
                **{name: draft.get(name) for name in _FIELDS},
                tags=tuple(draft["tags"]) if "tags" in draft else None,
                phrasings=tuple(draft["phrasings"]),
                name=draft["name"],
            )
            for slug, draft in self.by_slug.items()
        ]
        return FaqFile(entries, self.bad)


def _fault(cells: dict[str, Any]) -> str | None:
    if cells.get("extra"):
        return f"{len(cells['extra'])} cell(s) too many; is a comma or a quote missing?"
    for name, value in cells.items():
        if name == "tags" and not (isinstance(value, list) and all(isinstance(tag, str) for tag in value)):
            return f"tags is {value!r:.60}; expected a list of texts"
        if name not in ("tags", "extra") and not isinstance(value, str):
            return f"{name} is {value!r:.60}; expected text"
        if isinstance(value, str) and _unstorable(value):
            return f"{name} holds a NUL or a lone surrogate"
    return _slug_fault(cells.get("intent", "")) or _phrasing_fault(cells) or _status_fault(cells)


def text_fault(name: str, text: str, *, longest: int = MAX_PHRASING) -> str | None:
    """Why a text cannot be learnt from, None when it can."""
    if _unstorable(text):
        return f"{name} holds a NUL or a lone surrogate"
    if len(text) > longest:
        return f"{name} has {len(text)} characters; expected at most {longest}"
    return None if normalise(text) else f"{name} {text!r} has no letters or digits"


def _unstorable(value: str) -> bool:
    return "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)


def _slug_fault(slug: str) -> str | None:
    if not slug.strip():
        return "intent is empty"
    if not slugify(slug):
        return f"intent {slug!r:.60} has no letters or digits"
    return f"intent {slug!r:.60} is longer than 128 characters" if len(slug) > 128 else None


def _phrasing_fault(cells: dict[str, Any]) -> str | None:
    if "phrasing" not in cells or (cells["phrasing"] == "" and cells.get("question")):
        return None
    return text_fault("phrasing", cells["phrasing"])


def _status_fault(cells: dict[str, Any]) -> str | None:
    status = cells.get("status") or "published"
    return None if status in _STATUSES else f"status is {status!r}; expected one of {', '.join(_STATUSES)}"


def escape_cell(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return "'" + cell if cell.startswith(_FORMULA) or cell.startswith("'") else cell


def unescape_cell(cell: str) -> str:
    """The cell that `escape_cell` was given."""
    return cell[1:] if cell.startswith("'") and (cell[1:2] in (*_FORMULA, "'") and cell[1:]) else cell
