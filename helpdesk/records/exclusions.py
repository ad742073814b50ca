"""Sources that teach nothing: what `helpdesk retrain --without` leaves out, for one candidate or for good."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, false, func, select, update
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.asked_texts import follow_labels, lock_texts
from helpdesk.records.clock import now
from helpdesk.records.labels import SAID
from helpdesk.records.tables import Example, ExclusionRow, Label, Phrasing, Staff

FIELDS = ("annotator", "source", "row")
SOURCES = ("import", "edit", "question", "label")
_IMPORTED: Final[dict[str, type[Phrasing] | type[Example]]] = {"phrasing": Phrasing, "example": Example}


_Rows = type[Phrasing] | type[Label] | type[Example]


@dataclass(frozen=True)
class Exclusion:
    """Rows of one annotator, of one kind of source, or one row (`label:7`); only those made `since`, when given."""

    field: str
    value: str
    since: datetime | None = None

    def __str__(self) -> str:
        since = f" since {self.since:%Y-%m-%d %H:%M} UTC" if self.since else ""
        return f"{self.field}={self.value}{since}"


def parse_exclusion(text: str, *, since: str | None) -> Exclusion:
    """`annotator=NAME`, `source=KIND` or `row=ID`, and an ISO date or time. Raises BadInputError."""
    field, equals, value = text.partition("=")
    if field not in FIELDS or not equals or not value.strip():
        raise BadInputError(f"--without {text!r}; expected annotator=NAME, source=KIND or row=ID")
    if field == "source" and value not in SOURCES:
        raise BadInputError(f"--without source={value!r}; expected one of {', '.join(SOURCES)}")
    return Exclusion(field, value.strip(), None if since is None else _moment(since))


def rows_left_out(session: Session, exclusion: Exclusion | None) -> set[str]:
    """Ids of the rows that tonight's exclusion names. Raises BadInputError when there are none."""
    if exclusion is None:
        return set()
    rows = matching_rows(session, exclusion)
    if not rows:
        raise BadInputError(f"no row matches {exclusion}; nothing to leave out")
    return rows


def matching_rows(session: Session, exclusion: Exclusion, *, until: datetime | None = None) -> set[str]:
    """Ids of the rows that an exclusion names, of those made up to `until` when given."""
    imported = {
        kind: select(table.id).where(_wanted(table, exclusion, until), _imported_is(table, kind, exclusion))
        for kind, table in _IMPORTED.items()
    }
    labels = _labels(exclusion, until).where(Label.undone_at.is_(None))
    return {
        f"{kind}:{number}"
        for kind, query in (imported | {"label": labels}).items()
        for number in session.scalars(query)
    }


def counting_again(session: Session, exclusion: Exclusion) -> list[Label]:
    """Labels that the exclusion's superseded: what had been said of those texts by others before counts again."""
    named = set(session.scalars(_labels(exclusion, None)))
    excluded = session.scalars(select(Label).where(Label.id.in_(_labels(exclusion, None)), Label.undone_at.is_(None)))
    found = []
    for label in excluded:
        earlier = _superseded(session, label)
        while earlier is not None and earlier.id in named:
            earlier = _superseded(session, earlier)
        found += [earlier] if earlier is not None else []
    return found


def _superseded(session: Session, label: Label) -> Label | None:
    """The newest answer that a label superseded."""
    earlier = select(Label).where(Label.superseded_by == label.id, Label.id < label.id, Label.kind.in_(SAID))
    return session.scalar(earlier.order_by(Label.id.desc()).limit(1))


def exclude(session: Session, exclusion: Exclusion, *, author: str) -> None:
    """Leave the rows that there are out for good. Labels among them are undone: their messages join the queue again,
    unless somebody else had labelled them before."""
    moment = now()
    again = counting_again(session, exclusion)
    rows = matching_rows(session, exclusion, until=moment)
    numbers = [int(row.removeprefix("label:")) for row in rows if row.startswith("label:")]
    keys = _text_keys(session, numbers)
    lock_texts(session, keys)
    row = ExclusionRow(**vars(exclusion), author=author, created_at=moment)
    session.add(row)
    session.flush()
    for start in range(0, len(numbers), 500):
        some = numbers[start : start + 500]
        session.execute(update(Label).where(Label.id.in_(some)).values(undone_at=moment, excluded_by=row.id))
    for label in again:
        label.undone_at = label.superseded_by = None
    session.flush()
    follow_labels(session, keys)
    audit_log.note(session, "exclusion.made", author=author, subject=str(exclusion), exclusion=row.id, rows=len(rows))


def _text_keys(session: Session, label_ids: Sequence[int]) -> set[str]:
    """The texts of some labels."""
    found: set[str] = set()
    for start in range(0, len(label_ids), 500):
        found |= set(session.scalars(select(Label.text_key).where(Label.id.in_(label_ids[start : start + 500]))))
    return found


def count_rows(session: Session, row: ExclusionRow) -> int:
    """How many rows a standing exclusion leaves out, the labels that it undid included."""
    exclusion = Exclusion(row.field, row.value, row.since)
    undone = session.scalar(select(func.count()).where(Label.excluded_by == row.id)) or 0
    return len(matching_rows(session, exclusion, until=row.created_at)) + undone


def excluded_rows(session: Session) -> set[str]:
    """Ids of all rows that standing exclusions leave out."""
    found: set[str] = set()
    for row in standing(session):
        found |= matching_rows(session, Exclusion(row.field, row.value, row.since), until=row.created_at)
    return found


def standing(session: Session) -> list[ExclusionRow]:
    """The exclusions in force, oldest first."""
    return list(session.scalars(select(ExclusionRow).where(ExclusionRow.lifted_at.is_(None)).order_by(ExclusionRow.id)))


def lift(session: Session, exclusion_id: int, *, author: str) -> ExclusionRow:
    """Let an exclusion's phrasings teach again from the next night on; its labels stay undone."""
    row = session.get(ExclusionRow, exclusion_id)
    if row is None or row.lifted_at is not None:
        raise NotFoundError(f"no exclusion {exclusion_id} in force; `helpdesk exclusions` shows them all")
    row.lifted_at = now()
    what = str(Exclusion(row.field, row.value, row.since))
    audit_log.note(session, "exclusion.lifted", author=author, subject=what, exclusion=row.id)
    return row


def _labels(exclusion: Exclusion, until: datetime | None) -> Select[int]:
    """Ids of the labels that an exclusion names, whether they count or not."""
    labels = select(Label.id).join(Staff, Staff.id == Label.staff_id)
    return labels.where(_wanted(Label, exclusion, until), _label_is(exclusion))


def _wanted(table: _Rows, exclusion: Exclusion, until: datetime | None) -> ColumnElement[bool]:
    bounds = [table.created_at >= exclusion.since] if exclusion.since else []
    return and_(True, *bounds, *([table.created_at <= until] if until else []))


def _imported_is(table: type[Phrasing] | type[Example], kind: str, exclusion: Exclusion) -> ColumnElement[bool]:
    if exclusion.field == "row":
        return _has_id(table, kind, exclusion.value)
    if exclusion.field == "annotator":
        return table.author == exclusion.value
    if table is Phrasing:
        return Phrasing.source == exclusion.value
    return table.id > 0 if exclusion.value == "import" else false()  # an example's source is its file's name


def _label_is(exclusion: Exclusion) -> ColumnElement[bool]:
    if exclusion.field == "row":
        return _has_id(Label, "label", exclusion.value)
    if exclusion.field == "annotator":
        return Staff.name == exclusion.value
    return Label.id > 0 if exclusion.value == "label" else false()


def _has_id(table: _Rows, kind: str, row: str) -> ColumnElement[bool]:
    name, _, number = row.partition(":")
    return table.id == int(number) if name == kind and number.isdecimal() and len(number) < 10 else false()


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(f"--since {text!r}; expected e.g. 2026-11-01 or 2026-11-01T08:30") from None
