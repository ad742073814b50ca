"""The chat page."""

from flask import Blueprint, current_app, render_template
from werkzeug.wrappers import Response

from helpdesk.web.context import is_staff, service
from helpdesk.web.policy import public

blueprint = Blueprint("chat", __name__)


@blueprint.get("/")
@public
def page() -> Response | str:
    """A small chat that talks to the webhook; where that needs a key, it is for whoever is logged in."""
    if service().settings.require_key and not is_staff():
        found: Response = current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
        return found
    return render_template("chat.html")
