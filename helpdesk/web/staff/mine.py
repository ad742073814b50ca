"""One's own labels, newest first: what each said, when, what became of it, and a button to undo it."""

from flask import Blueprint, render_template, request
from flask_login import current_user

from helpdesk.records import labels, undo
from helpdesk.records.roles import Role
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires

A_PAGE = 50
blueprint = Blueprint("mine", __name__, url_prefix="/desk/mine")


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """One page of the list, from the label before `before` on."""
    before = row_id(request.args.get("before"))
    with service().database.read() as session:
        rows = undo.own_labels(session, staff_id=current_user.staff_id, limit=A_PAGE + 1, before=before)
    shown = rows[:A_PAGE]
    return render_template(
        "mine.html",
        rows=shown,
        before=before,
        older=shown[-1].label.id if len(rows) > A_PAGE else None,
        words=labels.words,
        visible=visible,
    )
