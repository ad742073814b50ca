"""The keys of the labelling desk, as a page for whoever has no scripts; with them it is an overlay."""

from flask import Blueprint, render_template

from helpdesk.records.roles import Role
from helpdesk.web.policy import requires

blueprint = Blueprint("keys", __name__, url_prefix="/desk/keys")


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """Every key, and what it does."""
    return render_template("keys.html")
