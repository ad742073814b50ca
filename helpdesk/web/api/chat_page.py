"""The chat page."""

from flask import Blueprint, render_template

blueprint = Blueprint("chat", __name__)


@blueprint.get("/")
def page() -> str:
    """A small chat that talks to the webhook."""
    return render_template("chat.html")
