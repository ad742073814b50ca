"""The queue as a list: filtered, sorted, paged, grouped by suggestion, and labelled by the dozen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import labelled, labels, names, versions
from helpdesk.records.queue import SORTS, THUMBS_DOWN, QueueItem, Wanted
from helpdesk.records.queue_counts import count_items
from helpdesk.records.roles import Role
from helpdesk.records.tables import Label, Version
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.filters import FILTERS, read_wanted
from helpdesk.web.staff.reasons import REASONS
from helpdesk.web.staff.tabs import AUDIT, TABS, at_most, count_tabs, waiting

ROWS = 50
TICKED_FROM = 0.5  # less likely suggestions stand apart from their group
blueprint = Blueprint("queue", __name__, url_prefix="/desk/queue")


@dataclass(frozen=True)
class QueueRow:
    """One text of the list: what would be accepted, the newest label it shows, and the label of a state's tab."""

    item: QueueItem
    slug: str | None
    confidence: float
    seen: int
    label: Label | None = None

    @property
    def ticked(self) -> bool:
        """Whether its suggestion is accepted with its group's unless somebody says otherwise."""
        return self.slug is not None and self.confidence >= TICKED_FROM


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """One page of a tab's texts; those of a waiting tab are grouped by what was taken to be meant."""
    tab = request.args.get("kind", "")
    with service().database.read() as session:
        wanted = read_wanted(session, request.args, kind=tab)
        lengths = count_tabs(session, review_below=service().settings.review_below)
        total = _total(session, tab, wanted, lengths)
        pages = max(1, -(-total // ROWS))
        number = min(row_id(request.args.get("page")) or 1, pages)
        rows = _rows(session, tab, wanted, offset=(number - 1) * ROWS)
        shown = names.questions(session)
        serving = versions.current(session)
        version = session.get(Version, serving.version_id) if serving else None
    return render_template(
        "queue.html",
        groups=_groups(rows),
        rows=rows,
        kind=tab,
        tabs=TABS,
        lengths=lengths,
        at_most=at_most,
        total=total,
        number=number,
        pages=pages,
        questions=shown,
        reasons=REASONS | {THUMBS_DOWN: "Somebody said that the answer did not help."},
        sorts=SORTS,
        given={name: request.args.get(name, "") for name in FILTERS},
        filtered=not wanted.all or wanted.kind is not None,
        waits=tab not in labelled.LABEL_STATES and tab != AUDIT,
        words=labels.words,
        serving_since=version.created_at if version else None,
        is_live=labelled.is_live,
        visible=visible,
    )


@blueprint.post("")
@requires(Role.LABELLER)
def accept() -> Response:
    """Label the ticked texts with their suggestions; what somebody else labelled meanwhile is left and told."""
    ticked = request.form.getlist("row")
    if not ticked:
        raise BadInputError("nothing was ticked; tick the messages whose suggestion is right")
    given, left = 0, []
    for accepted in [_read_row(row) for row in ticked[:ROWS]]:
        try:
            _accept(*accepted)
            given += 1
        except (ConflictError, NotFoundError) as error:
            left.append(str(error))
    said = f"{given} labelled as suggested."
    flash(said if not left else f"{said} {len(left)} not: {'; '.join(left[:3])}.")
    return redirect(url_for("queue.page", kind=request.args.get("kind") or None), 303)


def _read_row(row: str) -> tuple[int, int, str]:
    """One row of the form: `message:seen:slug`."""
    number, _, rest = row.partition(":")
    newest, _, slug = rest.partition(":")
    message_id, seen = row_id(number), row_id(newest)
    if message_id is None or seen is None or not slug:
        raise BadInputError(f"row {row!r:.60}; expected message:seen:slug, as the page wrote it")
    return message_id, seen, slug


def _accept(message_id: int, seen: int, slug: str) -> None:
    with service().database.read() as session:
        known = labels.read_neighbours(session, message_id)
    with service().database.write() as session:
        labels.label_message(
            session,
            message_id,
            kind="intent",
            intent=slug,
            staff_id=current_user.staff_id,
            holdout_share=service().settings.holdout_share,
            known=known,
            seen=seen,
        )


def _rows(session: Session, tab: str, wanted: Wanted, *, offset: int) -> list[QueueRow]:
    if tab in labelled.LABEL_STATES:
        found = labelled.list_labelled(session, tab, limit=ROWS, offset=offset)
        return [QueueRow(row.item, None, 0.0, 0, row.label) for row in found]
    staff_id, below = current_user.staff_id, service().settings.review_below
    listed = waiting(session, tab, wanted, staff_id=staff_id, review_below=below, limit=ROWS, offset=offset)
    seen = labelled.newest_labels(session, [item.text_key for item in listed])
    current = names.current_names(session)
    return [_row(item, seen.get(item.text_key, 0), current) for item in listed]


def _row(item: QueueItem, seen: int, current: Mapping[str, str]) -> QueueRow:
    """A text of the audit sample has no suggestion: it is labelled blind, on its card."""
    if item.audited or not item.ranking:
        return QueueRow(item, None, 0.0, seen)
    slug = item.ranking[0]["intent"]
    return QueueRow(item, current.get(slug, slug), item.ranking[0]["confidence"], seen)


def _total(session: Session, tab: str, wanted: Wanted, lengths: Mapping[str, int]) -> int:
    if tab == AUDIT or tab in labelled.LABEL_STATES:
        return lengths.get(tab, 0)
    return count_items(session, review_below=service().settings.review_below, wanted=wanted)


def _groups(rows: Sequence[QueueRow]) -> dict[str | None, list[QueueRow]]:
    """The rows by suggestion, in the order in which each comes first."""
    groups: dict[str | None, list[QueueRow]] = {}
    for row in rows:
        groups.setdefault(row.slug, []).append(row)
    return groups
