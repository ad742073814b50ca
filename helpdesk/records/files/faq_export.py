"""The FAQ as a file that imports as it is: CSV, JSON, .xlsx."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Final

from helpdesk.records.files.cells import escape_cell
from helpdesk.records.files.faq_tables import join_tags
from helpdesk.records.files.xlsx_files import write_xlsx
from helpdesk.records.tables import Intent

FAQ_COLUMNS: Final = ("intent", "question", "answer", "phrasing", "locale", "tags", "status", "follow_ups", "urgent")


def export_faq(intents: Iterable[Intent], form: str, *, mark: bool = False) -> bytes:
    """The file in a form: `csv`, `json` or `xlsx`. mark: begin CSV with the mark by which Excel knows UTF-8."""
    if form == "xlsx":
        return write_workbook(intents)
    if form == "json":
        return write_json(intents).encode()
    return write_csv(intents).encode("utf-8-sig" if mark else "utf-8")


def write_csv(intents: Iterable[Intent]) -> str:
    """One row a phrasing; cells that a spreadsheet would run as a formula are prefixed with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FAQ_COLUMNS)
    writer.writerows(_rows(intents))
    return out.getvalue()


def write_workbook(intents: Iterable[Intent]) -> bytes:
    """The same rows as a workbook of Excel. Raises BadInputError for an answer that is too long for a cell."""
    return write_xlsx(FAQ_COLUMNS, _rows(intents))


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
            "follow_ups": list(intent.follow_ups),
            "urgent": intent.urgent,
            "phrasings": _texts(intent),
        }
        for intent in intents
    ]
    return json.dumps(entries, ensure_ascii=False, indent=2) + "\n"


def _rows(intents: Iterable[Intent]) -> Iterator[list[str]]:
    for intent in intents:
        for text in _texts(intent) or [""]:
            row = (intent.slug, intent.question, intent.answer, text, intent.locale, join_tags(intent.tags))
            rest = (intent.status, join_tags(intent.follow_ups), "yes" if intent.urgent else "no")
            yield [escape_cell(cell) for cell in (*row, *rest)]


def _texts(intent: Intent) -> list[str]:
    return [p.text for p in intent.phrasings if p.text != intent.question or p.source != "question"]
