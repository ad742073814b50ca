"""The queue as a list: filtered, sorted, paged, grouped by suggestion."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from helpdesk.records import labelled, labels, names, now_answered, versions
from helpdesk.records.queue import SORTS, THUMBS_DOWN, QueueItem, Wanted
from helpdesk.records.queue_counts import count_items
from helpdesk.records.roles import Role
from helpdesk.records.tables import Label, Version
from helpdesk.serving.meanings import group_by_meaning
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.filters import FILTERS, read_wanted
from helpdesk.web.staff.reasons import REASONS
from helpdesk.web.staff.tabs import AUDIT, TABS, at_most, count_tabs, waiting

ROWS = 50
GROUPED = 200  # texts of a page that are grouped by meaning: encoding them anew takes a second or so
MEANINGS = 5
TICKED_FROM = 0.5  # less likely suggestions stand apart from their group
blueprint = Blueprint("queue", __name__, url_prefix="/desk/queue")


@dataclass(frozen=True)
class QueueRow:
    """One text of the list: what would be accepted, the newest label it shows, and the label of a state's tab.

    fits: whether it goes with its group; an outlier is left for its card.
    """

    item: QueueItem
    slug: str | None
    confidence: float
    seen: int
    label: Label | None = None
    fits: bool = True

    @property
    def ticked(self) -> bool:
        """Whether its suggestion is accepted with its group's unless somebody says otherwise."""
        return self.slug is not None and self.confidence >= TICKED_FROM


@dataclass(frozen=True)
class MeaningGroup:
    """Texts of one meaning, and what they may mean by their suggestions: slugs, the likeliest first."""

    rows: Sequence[QueueRow]
    slugs: Sequence[str]


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """One page of a tab's texts; those of a waiting tab are grouped by what was taken to be meant, or by meaning."""
    tab = request.args.get("kind", "")
    rows_shown = GROUPED if (by_meaning := _by_meaning(tab)) else ROWS
    with service().database.read() as session:
        wanted = read_wanted(session, request.args, kind=tab)
        lengths = count_tabs(session, review_below=service().settings.review_below)
        total = _total(session, tab, wanted, lengths)
        pages = max(1, -(-total // rows_shown))
        number = min(row_id(request.args.get("page")) or 1, pages)
        rows = _rows(session, tab, wanted, offset=(number - 1) * rows_shown, limit=rows_shown)
        shown = names.questions(session)
        serving = versions.current(session)
        version = session.get(Version, serving.version_id) if serving else None
    return render_template(
        "queue.html",
        groups=_groups(rows),
        meanings=_meanings(rows) if by_meaning else None,
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
        filtering=tab not in (*labelled.LABEL_STATES, AUDIT, now_answered.ANSWERED),
        words=labels.words,
        serving_since=version.created_at if version else None,
        is_live=labelled.is_live,
        visible=visible,
    )


def _rows(session: Session, tab: str, wanted: Wanted, *, offset: int, limit: int) -> list[QueueRow]:
    if tab in labelled.LABEL_STATES:
        found = labelled.list_labelled(session, tab, limit=limit, offset=offset)
        return [QueueRow(row.item, None, 0.0, 0, row.label) for row in found]
    staff_id, below = current_user.staff_id, service().settings.review_below
    listed = waiting(session, tab, wanted, staff_id=staff_id, review_below=below, limit=limit, offset=offset)
    seen = labelled.newest_labels(session, [item.text_key for item in listed])
    current = names.current_names(session)
    return [_row(item, seen.get(item.text_key, 0), current) for item in listed]


def _row(item: QueueItem, seen: int, current: Mapping[str, str]) -> QueueRow:
    """A text of the audit sample has no suggestion: it is labelled blind, on its card. An answer of now is one."""
    if item.answer is not None:
        return QueueRow(item, current.get(item.answer.intent, item.answer.intent), item.answer.confidence, seen)
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


def _by_meaning(tab: str) -> bool:
    """Whether the list is to be grouped by meaning, and can be."""
    waits = tab not in labelled.LABEL_STATES and tab != AUDIT
    return waits and request.args.get("view") == "meaning" and service().live.take() is not None


def _meanings(rows: Sequence[QueueRow]) -> list[MeaningGroup]:
    """The rows by meaning; what is drawn blind is left to its card."""
    live, shown = service().live.take(), [row for row in rows if not row.item.audited]
    if live is None:
        return []
    groups = group_by_meaning(live, [row.item.normalised for row in shown])
    return [_meaning([shown[place] for place in group]) for group in groups]


def _meaning(rows: Sequence[QueueRow]) -> MeaningGroup:
    weights = Counter[str]()
    for row in rows:
        for suggested in row.item.ranking[:MEANINGS]:
            weights[suggested["intent"]] += suggested["confidence"]
    slugs = [slug for slug, _ in weights.most_common(MEANINGS)]
    best = slugs[0] if slugs else None
    return MeaningGroup([replace(row, fits=row.slug == best or not row.ticked) for row in rows], slugs)
