"""Copies of texts in free columns and files, as the audit log and night reports hold them, are replaced."""

import json
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Text, cast, inspect, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from helpdesk.records.files.reports import REPORTS
from helpdesk.records.tables import (
    AuditLogRow,
    DataCheck,
    DecisionRow,
    FaqChange,
    FaqRevision,
    Night,
    Table,
    Upload,
    Version,
)
from helpdesk.text import normalise

ERASED: Final = "[erased]"
_LONG: Final = 8  # characters from which on a text is looked for inside others
_CUT: Final = 200  # what a log cuts its subjects to
_AT_ONCE: Final = 40
_COLUMNS: Final[tuple[InstrumentedAttribute[Any], ...]] = (
    *(AuditLogRow.subject, AuditLogRow.details, FaqChange.what, FaqRevision.entry, DataCheck.found, Version.report),
    *(Night.reason, Night.refusals, Night.figures, Night.report, Upload.receipt, DecisionRow.ranking),
)


class Scrubber:
    """Replaces texts, however deep in JSON: whole values that say the same, and long texts inside others."""

    def __init__(self, texts: Collection[str]) -> None:
        self._keys = {normalise(text) for text in texts} - {""}
        forms = {form.strip() for text in texts for form in (text, normalise(text))}
        forms |= {form[:_CUT] for form in forms}
        self.needles = sorted((form for form in forms if form), key=len, reverse=True)

    def __call__(self, value: Any) -> Any:
        """The value without the texts."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self(item) for item in value]
        if isinstance(value, dict):
            return {key: self(item) for key, item in value.items()}
        return value

    def _text(self, text: str) -> str:
        if normalise(text) in self._keys:
            return ERASED
        for needle in self.needles:
            if len(needle) >= _LONG and needle in text:
                text = text.replace(needle, ERASED)
        return text


def scrub_columns(session: Session, scrub: Scrubber) -> Counter[str]:
    """Replace the texts in every free column of the database; table -> rows."""
    counts = Counter[str]()
    for column in _COLUMNS:
        for number in _holding(session, column, scrub.needles):
            row: Any = session.get_one(_table(column), number)
            found = getattr(row, column.key)
            if (clean := scrub(found)) != found:
                setattr(row, column.key, clean)
                counts[_table(column).__tablename__] += 1
    session.flush()
    return counts


def _holding(session: Session, column: InstrumentedAttribute[Any], needles: list[str]) -> Iterator[int]:
    """The ids of the rows whose column holds one of the texts, as JSON spells it."""
    key = inspect(_table(column)).primary_key[0]
    seen: set[int] = set()
    for start in range(0, len(needles), _AT_ONCE):
        spelled = {json.dumps(needle)[1:-1] for needle in needles[start : start + _AT_ONCE]}
        spelled |= set(needles[start : start + _AT_ONCE])
        holds = or_(*(cast(column, Text).contains(form, autoescape=True) for form in sorted(spelled)))
        seen |= set(session.scalars(select(key).where(holds)))
    yield from sorted(seen)


def _table(column: InstrumentedAttribute[Any]) -> type[Table]:
    found: type[Table] = column.parent.class_
    return found


def scrub_reports(home: Path, scrub: Scrubber) -> int:
    """Replace the texts in the reports of past nights; how many files held some."""
    changed = 0
    for path in sorted((home / REPORTS).glob("*.json")):
        try:
            report = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if (clean := scrub(report)) != report:
            half = path.with_name(f".{path.name}.half")
            half.write_text(json.dumps(clean, indent=1, ensure_ascii=False))
            half.rename(path)
            changed += 1
    return changed
