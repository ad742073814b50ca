"""Copies of erased texts in logs, histories and reports are replaced, in the places where a message's text can stand.

Nothing else is touched: a message may say `published` or `reset password`, and slugs, statuses, tags, rankings and what
staff or programs wrote must stay what they are. Most copies are whole values. Sentences quote a text, or, where they
tell an error, may have it anywhere.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

from sqlalchemy import inspect, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from helpdesk.records.files.reports import REPORTS
from helpdesk.records.staff_texts import IMPORTED
from helpdesk.records.tables import AuditLogRow, DataCheck, FaqRevision, Night, Table, Version
from helpdesk.text import normalise, text_key, words

ERASED: Final = "[erased]"
_TEXTS, _KEYS, _QUOTING = ("text", "texts"), ("text_key",), ("problem",)  # what stands under which name in a report
_TELLING: Final = ("error", "warnings", "reason", "reasons")
_SUBJECT_IS_TEXT: Final = ("golden.added", "golden.removed")
_DETAIL_IS_TEXT: Final = ("label.removed", "faq.phrasing removed")
_CUT: Final = 200  # what a log cuts its subjects to
# What programs say of errors has two or three words of a message by chance, as `reset password`, and hardly ever four
# in a row. Languages without spaces write long words.
_MANY_WORDS, _LONG, _LONG_WORD = 4, 20, 40


class Scrubber:
    """Replaces texts in values, sentences and reports."""

    def __init__(self, texts: Collection[str]) -> None:
        forms = {form.strip() for text in texts for form in (text, normalise(text))} - {""}
        self._texts = {normalise(form) for text in forms for form in (text, text[:_CUT])} - {""}
        self._keys = {text_key(normalise(text)) for text in texts}
        self._quoted = sorted((f'"{form}"' for form in forms), key=len, reverse=True)
        long = sorted(filter(_is_long, forms), key=len, reverse=True)
        self._inside = re.compile("|".join(rf"(?<!\w){re.escape(form)}(?!\w)" for form in long)) if long else None

    def holds(self, text: str) -> bool:
        """Whether a value is one of the texts."""
        return normalise(text) in self._texts

    def value(self, text: str) -> str:
        """A value that is a text or none."""
        return ERASED if self.holds(text) else text

    def telling(self, sentence: str) -> str:
        """A sentence that may have a text anywhere, as those about errors."""
        return sentence if self._inside is None else self._inside.sub(ERASED, sentence)

    def report(self, found: Any, name: str = "") -> Any:
        """A report as JSON, however deep; name: under which a part of it stands."""
        if isinstance(found, dict):
            return {key: self.report(item, key) for key, item in found.items()}
        if isinstance(found, list):
            return [self.report(item, name) for item in found]
        return self._under(name, found) if isinstance(found, str) else found

    def entry(self, entry: dict[str, Any]) -> dict[str, Any]:
        """An entry in its history: a message becomes its question, or a phrasing that no file brought."""
        phrasings = [row if row[1] == IMPORTED else [self.value(row[0]), *row[1:]] for row in entry["phrasings"]]
        return entry | {"question": self.value(entry["question"]), "phrasings": phrasings}

    def refusals(self, reasons: dict[str, list[str]]) -> dict[str, list[str]]:
        """Why candidates were not promoted."""
        return {kind: [self.telling(reason) for reason in told] for kind, told in reasons.items()}

    def _under(self, name: str, text: str) -> str:
        if name in _TEXTS:
            return self.value(text)
        if name in _KEYS:
            return ERASED if text in self._keys else text
        if name in _QUOTING:
            for quoted in self._quoted:
                text = text.replace(quoted, f'"{ERASED}"')
            return text
        return self.telling(text) if name in _TELLING else text


def _is_long(text: str) -> bool:
    return len(text) >= _LONG_WORD or (len(text) >= _LONG and len(words(text)) >= _MANY_WORDS)


_PLACES: Final[tuple[tuple[InstrumentedAttribute[Any], Callable[[Scrubber, Any], Any]], ...]] = (
    (FaqRevision.entry, Scrubber.entry),
    (DataCheck.found, Scrubber.report),
    (Version.report, Scrubber.report),
    (Night.report, Scrubber.report),
    (Night.figures, Scrubber.report),
    (Night.refusals, Scrubber.refusals),
    (Night.reason, Scrubber.telling),
)


def scrub_columns(session: Session, scrub: Scrubber) -> Counter[str]:
    """Replace the texts in every column that may hold copies; table -> rows."""
    changed: dict[type[Table], set[int]] = defaultdict(set)
    for column, clean in _PLACES:
        table: type[Table] = column.parent.class_
        key = inspect(table).primary_key[0]
        for number, found in session.execute(select(key, column).where(column.is_not(None))).tuples().all():
            if (left := clean(scrub, found)) != found:
                _set(session, table, number, {column.key: left})
                changed[table].add(number)
    changed[AuditLogRow] = _scrub_log(session, scrub)
    return Counter({table.__tablename__: len(numbers) for table, numbers in changed.items()})


def _scrub_log(session: Session, scrub: Scrubber) -> set[int]:
    """Rows of the log whose action says that the subject, or the detail `text`, is a text."""
    changed = set()
    wanted = select(AuditLogRow.id, AuditLogRow.action, AuditLogRow.subject, AuditLogRow.details)
    wanted = wanted.where(AuditLogRow.action.in_((*_SUBJECT_IS_TEXT, *_DETAIL_IS_TEXT)))
    for number, action, subject, details in session.execute(wanted).tuples().all():
        if action in _SUBJECT_IS_TEXT and scrub.holds(subject):
            _set(session, AuditLogRow, number, {"subject": ERASED})
        elif action in _DETAIL_IS_TEXT and scrub.holds(details["text"]):
            _set(session, AuditLogRow, number, {"details": details | {"text": ERASED}})
        else:
            continue
        changed.add(number)
    return changed


def _set(session: Session, table: type[Table], number: int, values: dict[str, Any]) -> None:
    key = inspect(table).primary_key[0]
    statement = update(table).where(key == number).values(values)
    session.execute(statement.execution_options(synchronize_session=False))


def scrub_reports(home: Path, scrub: Scrubber) -> int:
    """Replace the texts in the reports of past nights; how many files held some."""
    changed = 0
    for path in sorted((home / REPORTS).glob("*.json")):
        try:
            report = json.loads(path.read_bytes())
        except (OSError, ValueError):
            continue
        if (clean := scrub.report(report)) != report:
            half = path.with_name(f".{path.name}.half")
            half.write_text(json.dumps(clean, indent=1, ensure_ascii=False))
            half.rename(path)
            changed += 1
    return changed
