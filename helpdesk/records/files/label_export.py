"""What staff said about messages as a file, for people and other programs: who, when, what, and whether it counts."""

import json
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from helpdesk.records.files.spreadsheets import write_table
from helpdesk.records.tables import Label

LABEL_FORMS: Final = ("csv", "json")
_COLUMNS: Final = (
    "label", "at", "person", "text", "decision", "intent", "question", "note", "counts", "ended", "replaced_by",
    "split", "message",
)  # fmt: skip
_AT_ONCE = 1000


def export_labels(session: Session, form: str) -> bytes:
    """Every label, oldest first, those that count no more included: `csv`, or `json`, a list of objects.

    decision: `intent`, `out_of_scope`, `not_a_question`, `skip` or `flag`; intent and question: the entry that the
    message meant; ended: when it ceased to count; replaced_by: the label that counts in its place. Times are UTC.
    """
    if form == "json":
        found = [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(session)]
        return (json.dumps(found, ensure_ascii=False, indent=1) + "\n").encode()
    return write_table(_COLUMNS, (tuple(map(_in_words, row)) for row in _rows(session))).encode()


def _rows(session: Session) -> Iterator[tuple[Any, ...]]:
    query = select(Label).options(joinedload(Label.staff), joinedload(Label.intent)).order_by(Label.id)
    for label in session.scalars(query.execution_options(yield_per=_AT_ONCE)):
        yield (
            label.id,
            label.created_at.isoformat(timespec="seconds"),
            label.staff.name,
            label.text,
            label.kind,
            label.intent.slug if label.intent else None,
            label.intent.question if label.intent else None,
            label.note,
            label.undone_at is None,
            label.undone_at.isoformat(timespec="seconds") if label.undone_at else None,
            label.superseded_by,
            label.split,
            label.message_id,
        )


def _in_words(value: Any) -> Any:
    return ("yes" if value else "no") if isinstance(value, bool) else value
