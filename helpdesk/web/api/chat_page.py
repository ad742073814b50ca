"""The chat page."""

from flask import Blueprint, render_template

from helpdesk.web.policy import public

blueprint = Blueprint("chat", __name__)


@blueprint.get("/")
@public
def page() -> str:
    """A small chat that talks to the webhook."""
    return render_template("chat.html")
