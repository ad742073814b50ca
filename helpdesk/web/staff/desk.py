"""The labelling desk: one message a card, one key a label. Works without JavaScript."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from helpdesk.errors import UnavailableError
from helpdesk.records import card_leases, labelled, labels, nights, queue, shared_counts, versions
from helpdesk.records.clock import now
from helpdesk.records.queue import QueueItem
from helpdesk.records.roles import Role
from helpdesk.records.tables import CardLease, Version
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import as_banner, refused_version
from helpdesk.web.staff.card import read_card
from helpdesk.web.staff.filters import FILTERS, read_wanted
from helpdesk.web.staff.reasons import REASONS
from helpdesk.web.staff.tabs import AUDIT, TABS, at_most, count_tabs
from helpdesk.web.staff.tabs import waiting as waiting_under

SIDE_LIST = 30
TRIES = 2  # to find a card
_WEEK = timedelta(days=7)
blueprint = Blueprint("desk", __name__, url_prefix="/desk")


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """The card of one message, and the queue beside it."""
    tab = request.args.get("kind", "")
    found, item, lease = _next_card(tab, row_id(request.args.get("item")))
    waiting = found.waiting
    blind = item is not None and (item.audited or item.said is not None or tab == AUDIT)
    query = request.args.get("q", "")
    with service().database.read() as session:
        card = read_card(session, item, blind=blind, query=query) if item else None
        elsewhere = card_leases.others(session, staff_id=current_user.staff_id)
        lengths = count_tabs(session, review_below=service().settings.review_below)
        night, refused = nights.last_night(session), refused_version(session)
        pending, kept_out = _pending(session), shared_counts.kept_out(session, since=now() - _WEEK)
    lookers = {row.message_id: elsewhere.get(row.text_key) for row in [*waiting, *([item] if item else [])]}
    free = [row for row in waiting if row == item or not lookers[row.message_id]]
    return render_template(
        "desk.html",
        item=item,
        card=card,
        receipt_of=card.choices[0] if card and card.choices and not blind else None,
        lease=lease,
        lookers=lookers,
        here=sorted(elsewhere.values()),
        words=labels.words,
        waiting=waiting,
        put_off=found.put_off,
        taken=sorted({name for row in found.candidates if (name := elsewhere.get(row.text_key))}),
        lengths=lengths,
        at_most=at_most,
        query=query,
        kind=tab,
        blind=blind,
        night=as_banner(night) if night else None,
        refused=refused,
        tabs=TABS,
        reasons=REASONS,
        pending=pending,
        kept_out=sum(kept_out.values()),
        visible=visible,
        filters=FILTERS,
        longest_note=labels.MAX_NOTE,
        next_id=_neighbour(free, item, 1),
        previous_id=_neighbour(free, item, -1),
    )


@dataclass(frozen=True)
class _Queue:
    """What was read of the queue: the side list, the texts in it that this person put off, and what may be the card.

    seen: the newest labels of the last, by text key. named: whether the address names the card.
    """

    waiting: Sequence[QueueItem]
    put_off: Collection[str]
    candidates: Sequence[QueueItem]
    seen: Mapping[str, int]
    named: bool


def _next_card(tab: str, named: int | None) -> tuple[_Queue, QueueItem | None, CardLease | None]:
    """The queue, the card and its lease. The queue is read anew when all of it went to others meanwhile."""
    for _ in range(TRIES):
        found = _read_queue(tab, named)
        item, lease = _take(found)
        if item is not None or not found.candidates:
            break
    return found, item, lease


def _read_queue(tab: str, named: int | None) -> _Queue:
    with service().database.read() as session:
        waiting = _waiting(session, tab)
        put_off = labelled.put_off_by(session, current_user.staff_id, [item.text_key for item in waiting])
        item = _find(session, waiting, named)
        shown = [item] if item else [row for row in waiting if tab == labelled.LATER or row.text_key not in put_off]
        seen = labelled.newest_labels(session, [row.text_key for row in shown])
    return _Queue(waiting, put_off, shown, seen, item is not None)


def _waiting(session: Session, tab: str) -> list[QueueItem]:
    wanted = read_wanted(session, request.args, kind=tab)
    below = service().settings.review_below
    return waiting_under(session, tab, wanted, staff_id=current_user.staff_id, review_below=below, limit=SIDE_LIST)


def _find(session: Session, waiting: Sequence[QueueItem], named: int | None) -> QueueItem | None:
    """The item that the address names, as the queue shows it."""
    if named is None:
        return None
    return next((item for item in waiting if item.message_id == named), None) or queue.find_item(session, named)


@blueprint.post("/leases/<token>/renew")
@requires(Role.LABELLER)
def renew(token: str) -> tuple[str, int]:
    """The browser says that a card is looked at still."""
    with service().database.write() as session:
        card_leases.renew(session, token, staff_id=current_user.staff_id)
    return "", 204


@blueprint.post("/leases/<token>/leave")
@requires(Role.LABELLER)
def leave(token: str) -> tuple[str, int]:
    """The browser says that a card is not looked at any more."""
    with service().database.write() as session:
        card_leases.leave(session, token, staff_id=current_user.staff_id)
    return "", 204


def _take(found: _Queue) -> tuple[QueueItem | None, CardLease | None]:
    """The card and its lease: of the first item that nobody else looks at or has labelled since the queue was read.

    What the address names is shown without a lease when there is none to be had; so is the first while the database
    takes no writes.
    """
    first = found.candidates[0] if found.candidates else None
    texts = {item.text_key: found.seen.get(item.text_key, 0) for item in found.candidates}
    try:
        with service().database.write() as session:
            lease = card_leases.take(session, texts, staff_id=current_user.staff_id)
    except UnavailableError:
        return first, None
    if lease is None:
        return (first if found.named else None), None
    return next(item for item in found.candidates if item.text_key == lease.text_key), lease


def _pending(session: Session) -> int:
    """Labels that tonight's run will learn from."""
    serving = versions.current(session)
    version = session.get(Version, serving.version_id) if serving else None
    return labels.labels_since(session, version.created_at if version else None)


def _neighbour(waiting: Sequence[QueueItem], item: QueueItem | None, step: int) -> int | None:
    ids = [queued.message_id for queued in waiting]
    if item is None or item.message_id not in ids:
        return ids[0] if ids else None
    position = ids.index(item.message_id) + step
    return ids[position] if 0 <= position < len(ids) else None
