"""Where a training row comes from: its source, by whom, when, from which message."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from helpdesk.records.labels import SAID
from helpdesk.records.tables import Example, Intent, Label, Phrasing, Staff

_AT_ONCE = 500


@dataclass(frozen=True)
class Provenance:
    """One row's origin. `source` is import, edit, question or label; `intent` None means none of the FAQs, or for an
    example (pairs, triplets, unlabelled messages) that it names no intent.

    message_id and undone_at are those of a label; an undone label teaches nothing any more.
    """

    id: str
    source: str
    author: str
    created_at: datetime
    text: str
    intent: str | None
    message_id: int | None = None
    undone_at: datetime | None = None


def origins(session: Session, ids: Iterable[str]) -> dict[str, Provenance]:
    """Where the rows with these ids (`phrasing:12`, `label:7`, `example:3`) come from, in this order.

    What is gone is left out.
    """
    wanted = list(ids)
    found = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        found += _read(session, _phrasings().where(Phrasing.id.in_(_numbers(some, "phrasing"))))
        found += _read(session, _labels().where(Label.id.in_(_numbers(some, "label"))))
        examples = session.scalars(select(Example).where(Example.id.in_(_numbers(some, "example"))))
        found += [
            Provenance(f"example:{row.id}", "import", row.author, row.created_at, " | ".join(row.texts), None)
            for row in examples
        ]
    by_id = {origin.id: origin for origin in found}
    return {row: by_id[row] for row in wanted if row in by_id}


def claims(
    session: Session, text_key: str, *, intent: str | None, before: datetime, built: datetime | None = None
) -> list[Provenance]:
    """Every row that said by then that a text means this intent (None: none of the FAQs), labels first, newest first.

    `built`: when the version was built that spoke, None for just then. Labels that were undone before are left out;
    those undone since speak through it still.
    """
    labels = _labels().where(Label.text_key == text_key, Label.created_at <= before, Label.kind.in_(SAID))
    labels = labels.where((Label.undone_at.is_(None)) | (Label.undone_at > min(built or before, before)))
    phrasings = _phrasings().where(Phrasing.text_key == text_key, Phrasing.created_at <= before)
    found = [
        *_read(session, labels.order_by(Label.id.desc())),
        *_read(session, phrasings.order_by(Phrasing.id.desc())),
    ]
    return [origin for origin in found if origin.intent == intent]


def _phrasings() -> Select[*tuple[Any, ...]]:
    return select(Phrasing, Intent.slug).join(Intent, Intent.id == Phrasing.intent_id)


def _labels() -> Select[*tuple[Any, ...]]:
    return (
        select(Label, Intent.slug, Staff.name)
        .join(Staff, Staff.id == Label.staff_id)
        .outerjoin(Intent, Intent.id == Label.intent_id)
    )


def _read(session: Session, query: Select[*tuple[Any, ...]]) -> list[Provenance]:
    return [_origin(*row) for row in session.execute(query)]


def _origin(row: Phrasing | Label, slug: str | None, staff: str | None = None) -> Provenance:
    if isinstance(row, Phrasing):
        return Provenance(f"phrasing:{row.id}", row.source, row.author, row.created_at, row.text, slug)
    return Provenance(
        f"label:{row.id}", "label", staff or "", row.created_at, row.text, slug, row.message_id, row.undone_at
    )


def _numbers(ids: Collection[str], kind: str) -> list[int]:
    return [int(row.removeprefix(f"{kind}:")) for row in ids if row.startswith(f"{kind}:")]
