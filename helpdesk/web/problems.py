"""The error tree crosses into HTTP here, once: problem+json (RFC 9457) for programs, a small page for people."""

import logging

from flask import Flask, Response, g, json, render_template, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from helpdesk.errors import (
    BadInputError,
    ConflictError,
    HelpdeskError,
    NotFoundError,
    NoVersionError,
    TooManyError,
    UnavailableError,
)
from helpdesk.web.logs import route

log = logging.getLogger(__name__)
_STATUS: dict[type[HelpdeskError], int] = {
    BadInputError: 400,
    NotFoundError: 404,
    ConflictError: 409,
    TooManyError: 429,
    NoVersionError: 503,
    UnavailableError: 503,
}
_TITLES = {
    400: "Bad request",
    404: "Not found",
    409: "Conflict",
    413: "Too long",
    415: "Unsupported media type",
    429: "Too many requests",
    500: "Internal error",
    503: "Unavailable",
}
_PROGRAMS = ("/api/", "/webhooks/", "/livez", "/readyz", "/metrics")
RETRY_SECONDS = 2
_OUR_FAULT = "something went wrong on our side; it was logged"


def install(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HelpdeskError, from_helpdesk)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(Exception, _from_anything)


def problem(status: int, detail: str, *, title: str | None = None) -> Response:
    """One error as the caller can read it: JSON for programs, HTML for people."""
    title = title or _TITLES.get(status, "Error")
    if request.path.startswith(_PROGRAMS):
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail})
        response = Response(body, status, content_type="application/problem+json")
    else:
        response = Response(_page(title, detail), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def from_helpdesk(error: HelpdeskError) -> Response:
    """What we refused, or could not do."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    if status >= 500:
        log.error("%s %s: %s", request.method, route(), error)
    if isinstance(error, TooManyError):
        response = problem(status, str(error))
        response.headers["Retry-After"] = str(error.seconds)
        return response
    if isinstance(error, UnavailableError):
        return problem(status, "the database does not answer; try again")
    told = status < 500 or isinstance(error, NoVersionError)
    return problem(status, str(error) if told else _OUR_FAULT)


def from_http(error: HTTPException) -> Response:
    """What Flask itself refused."""
    detail = error.description or ""
    if isinstance(error, CSRFError):
        detail = "this form is out of date; go back, reload the page and send it again"
    response = problem(error.code or 500, detail, title=error.name)
    if error.code == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _from_anything(error: Exception) -> Response:
    log.exception("%s %s failed", request.method, route(), exc_info=error)
    return problem(500, _OUR_FAULT)


def _page(title: str, detail: str) -> str:
    """The page for people; as for somebody who is not logged in while the database does not tell who is."""
    try:
        return render_template("problem.html", title=title, detail=detail)
    except UnavailableError:
        g.nobody = True
        return render_template("problem.html", title=title, detail=detail)
