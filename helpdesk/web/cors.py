"""Which pages of other sites may call the public API and load the widget: those of the setting and of sites with a key.

flask-cors fixes the origins when the application is made; the sites are rows that come and go.
"""

from flask import Flask, Response, request

from helpdesk.errors import UnavailableError
from helpdesk.records.api_keys import site_origins
from helpdesk.settings.origins import allows
from helpdesk.web.context import service

OPEN_TO_SITES = ("/api/", "/webhooks/", "/widget.js", "/widget/")
_SENT = "Authorization, Content-Type, If-None-Match, X-Request-Id, X-Site-Key"
_READ = "ETag, Link, Retry-After, WWW-Authenticate, X-Request-Id"
PREFLIGHT_SECONDS = 600  # that browsers remember the answer


def install(app: Flask) -> None:
    """Tell browsers what they may let those pages send and read; never with cookies."""

    @app.after_request
    def _allow(response: Response) -> Response:
        if not request.path.startswith(OPEN_TO_SITES):
            return response
        response.vary.add("Origin")
        origin = request.origin
        if origin is None or not _may_call(origin):
            return response
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = _READ
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, POST")
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_SECONDS)
        return response


def _may_call(origin: str) -> bool:
    if allows(service().settings.allowed_origins, origin):
        return True
    try:
        with service().database.read() as session:
            return origin in site_origins(session)
    except UnavailableError:
        return False
