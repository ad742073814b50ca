"""The list of FAQ entries."""

from flask import Blueprint, render_template, request

from helpdesk.records import faq_delete, faq_list
from helpdesk.records.roles import Role
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires

ENTRIES_LISTED = 50
LEFT_OVER = 10  # so few more are on the same page
blueprint = Blueprint("faq_list", __name__, url_prefix="/desk/faq")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """One page of the list, from the entry after `after` on."""
    wanted = {name: request.args.get(name, "") for name in ("state", "q", "tag", "after")}
    with service().database.read() as session:
        entries = faq_list.list_page(
            session,
            limit=ENTRIES_LISTED + LEFT_OVER,
            state=wanted["state"],
            query=wanted["q"],
            tag=wanted["tag"],
            after=wanted["after"],
        )
        counts = faq_list.count_states(session)
        stranded = faq_delete.count_stranded(session)
    whole = len(entries) <= ENTRIES_LISTED + LEFT_OVER
    shown = entries if whole else entries[:ENTRIES_LISTED]
    return render_template(
        "faq_list.html",
        entries=shown,
        counts=counts,
        wanted=wanted,
        stranded=stranded,
        next_after=None if whole else shown[-1].slug,
        visible=visible,
    )
