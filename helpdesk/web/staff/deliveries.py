"""Deliveries: what waits to be sent to other systems, what was sent, and what was given up, with why."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.channels.chat_names import CHATWOOT_CHANNEL
from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import audit_log
from helpdesk.records import deliveries as records
from helpdesk.records.roles import Role
from helpdesk.records.tables import DeliveryRow, DeliveryState
from helpdesk.text import visible
from helpdesk.web.context import courier, row_id, service
from helpdesk.web.policy import requires

DELIVERIES_SHOWN = 50
DELIVERY_STATES = {DeliveryState.DEAD: "Dead", DeliveryState.WAITING: "Waiting", DeliveryState.SENT: "Sent"}
blueprint = Blueprint("deliveries", __name__, url_prefix="/desk/deliveries")


@blueprint.get("")
@requires(Role.EDITOR)
def page() -> str:
    """Those in one state, newest first: the dead ones if there are any, else those that wait."""
    before = row_id(request.args.get("before"))
    with service().database.read() as session:
        counts = records.count_by_state(session)
        state = _state(counts)
        rows = records.list_deliveries(session, state, before=before, limit=DELIVERIES_SHOWN + 1)
    return render_template(
        "deliveries.html",
        state=state,
        states=DELIVERY_STATES,
        counts=counts,
        rows=rows[:DELIVERIES_SHOWN],
        older=rows[DELIVERIES_SHOWN - 1].row.id if len(rows) > DELIVERIES_SHOWN else None,
        newest=before is None,
        receivers=service().settings.receivers_of(CHATWOOT_CHANNEL),
        visible=visible,
    )


@blueprint.post("/<int:delivery_id>/retry")
@requires(Role.EDITOR)
def retry(delivery_id: int) -> Response:
    """Let it be tried at once."""
    said = _changed(delivery_id, records.retry, "delivery.retried", "{} is tried again.")
    courier().wake()
    return said


@blueprint.post("/<int:delivery_id>/give-up")
@requires(Role.EDITOR)
def give_up(delivery_id: int) -> Response:
    """Try it no more."""
    author = current_user.name
    return _changed(
        delivery_id,
        lambda session, number: records.give_up(session, number, author=author),
        "delivery.given_up",
        "{} is not tried any more.",
    )


def _changed(delivery_id: int, change: Callable[[Session, int], DeliveryRow], action: str, said: str) -> Response:
    try:
        with service().database.write() as session:
            row = change(session, delivery_id)
            audit_log.note(session, action, author=current_user.name, subject=f"{row.receiver} {row.key}")
        flash(said.format(f"Delivery {row.id} to {row.receiver}"))
    except ConflictError as error:
        flash(f"Nothing was changed: {error}.")
    return redirect(url_for("deliveries.page"), 303)


def _state(counts: dict[str, int]) -> str:
    state = request.args.get("state")
    if state is None:
        return DeliveryState.DEAD if counts[DeliveryState.DEAD] else DeliveryState.WAITING
    if state not in DELIVERY_STATES:
        raise BadInputError(f"state {state!r:.40}; expected one of {', '.join(DELIVERY_STATES)}")
    return state
