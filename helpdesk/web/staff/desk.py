"""The labelling desk: one message a card, one key a label. Works without JavaScript."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request
from flask_login import current_user
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.errors import UnavailableError
from helpdesk.records import audit, card_leases, labels, names, nights, queue, versions
from helpdesk.records.clock import now
from helpdesk.records.night_report import DecisionSummary
from helpdesk.records.queue import QueueItem
from helpdesk.records.roles import Role
from helpdesk.records.tables import CardLease, Version
from helpdesk.text import text_key, visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import as_banner
from helpdesk.web.staff.changes import change_note
from helpdesk.web.staff.choices import blind_choices, likely_choices, search
from helpdesk.web.staff.reasons import REASONS

SIDE_LIST = 30
AUDIT = "audit"
TABS = {
    "": "All",
    DecisionKind.CLARIFY: "Unsure",
    DecisionKind.FALLBACK: "No answer",
    DecisionReason.LANGUAGE: "Other language",
    DecisionKind.ANSWER: "Low confidence",
    AUDIT: "Audit",
}
blueprint = Blueprint("desk", __name__, url_prefix="/desk")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """The card of one message, and the queue beside it."""
    kind = request.args.get("kind", "")
    wanted = row_id(request.args.get("item"))
    query = request.args.get("q", "")
    audited = kind == AUDIT
    with service().database.read() as session:
        waiting = _waiting(session, kind)
        named = queue.find_item(session, wanted) if wanted else None
    item, lease = _take(waiting, named)
    with service().database.read() as session:
        elsewhere = card_leases.others(session, staff_id=current_user.staff_id)
        lengths = _lengths(session)
        blind = audited or (item is not None and item.said is not None)
        choices = (blind_choices if blind else likely_choices)(session, item) if item else []
        change = None if audited else _change(session, item)
        pending = _pending(session)
        seen = labels.newest_label(session, item.message_id) if item else 0
        counting = labels.counting_label(session, item.message_id) if item else None
        night = nights.last_night(session)
    lookers = {row.message_id: elsewhere.get(text_key(row.normalised)) for row in [*waiting, *([item] if item else [])]}
    free = [row for row in waiting if row == item or not lookers[row.message_id]]
    found = search(query, {choice.slug for choice in choices}) if query.strip() else []
    return render_template(
        "desk.html",
        item=item,
        lease=lease,
        lookers=lookers,
        here=sorted(elsewhere.values()),
        seen=seen,
        counting=counting,
        words=labels.words,
        waiting=waiting,
        lengths=lengths,
        choices=[*choices, *found],
        query=query,
        kind=kind,
        blind=blind,
        change=change,
        night=as_banner(night) if night else None,
        tabs=TABS,
        reasons=REASONS,
        pending=pending,
        visible=visible,
        next_id=_neighbour(free, item, 1),
        previous_id=_neighbour(free, item, -1),
    )


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


def _take(waiting: Sequence[QueueItem], named: QueueItem | None) -> tuple[QueueItem | None, CardLease | None]:
    """The card and its lease: of the item that is named, else of the first that nobody else looks at.

    When others look at all there is, the first is shown without a lease; so it is while the database takes no writes.
    """
    wanted = [named] if named is not None else list(waiting)
    keys = [text_key(item.normalised) for item in wanted]
    try:
        with service().database.write() as session:
            lease = card_leases.take(session, keys, staff_id=current_user.staff_id)
    except UnavailableError:
        lease = None
    if lease is not None:
        return wanted[keys.index(lease.text_key)], lease
    return (wanted[0] if wanted else None), None


def _waiting(session: Session, kind: str) -> list[QueueItem]:
    if kind == AUDIT:
        return audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=SIDE_LIST)
    return queue.items(session, review_below=service().settings.review_below, limit=SIDE_LIST, kind=kind or None)


def _lengths(session: Session) -> dict[str, int]:
    """How many texts wait under each tab; the audit sample overlaps the others, so it is not added to all of them."""
    lengths = queue.queue_lengths(session, review_below=service().settings.review_below)
    audited = audit.audit_queue_length(session, since=now() - audit.AUDIT_WINDOW)
    return lengths | {"": sum(lengths.values()), AUDIT: audited}


def _change(session: Session, item: QueueItem | None) -> str | None:
    """Why somebody should look again, or what last night's candidate would do otherwise, in words."""
    if item is not None and item.said is not None:
        said = names.questions(session, [item.said]).get(item.said, item.said)
        return f"It was labelled “{said}”, and something speaks against it. Say so again, or what else it means."
    if item is None or item.change is None:
        return None
    before, after = (DecisionSummary.model_validate(said) for said in (item.change.before, item.change.after))
    return change_note(before, after, names.questions(session, [str(before.intent), str(after.intent)]))


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
