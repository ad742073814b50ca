"""The chat page, and a page of some company with the widget on it."""

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from helpdesk.web.context import is_staff, service
from helpdesk.web.policy import public

blueprint = Blueprint("chat", __name__)


@blueprint.get("/")
@public
def page() -> Response | str:
    """A small chat that talks to our own API."""
    return _off() or render_template("chat.html", site_key=_site_key())


@blueprint.get("/demo")
@public
def demo() -> Response | str:
    """The widget in a corner, and the line that put it there."""
    scheme = "https" if service().settings.https_only else None
    script = url_for("widget.script", _external=True, _scheme=scheme)
    keyed = service().settings.require_key
    return _off() or render_template("demo.html", script=script, site_key=_site_key(), keyed=keyed)


def _site_key() -> str | None:
    """What the page sends with every request, where it has to; a login needs none."""
    settings = service().settings
    if settings.chat_page_key is None or not settings.require_key or is_staff():
        return None
    return settings.chat_page_key.get_secret_value()


def _off() -> Response | None:
    """What visitors read where their messages would be refused."""
    if not service().settings.require_key or is_staff() or _site_key():
        return None
    return Response(render_template("chat_off.html"), 403, content_type="text/html; charset=utf-8")
