"""The error tree crosses into HTTP here, once: problem+json (RFC 9457) for programs, a small page for people."""

import logging

from flask import Flask, Response, g, render_template, request
from flask_wtf.csrf import CSRFError
from gunicorn.http.errors import ParseException
from pydantic import BaseModel, Field
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
from helpdesk.web.addresses import for_programs
from helpdesk.web.logs import route
from helpdesk.web.request_ids import request_id

log = logging.getLogger(__name__)
_STATUS: dict[type[HelpdeskError], int] = {
    BadInputError: 400,
    NotFoundError: 404,
    ConflictError: 409,
    TooManyError: 429,
    NoVersionError: 503,
    UnavailableError: 503,
}
PROBLEM_JSON = "application/problem+json"
PROBLEMS = {  # status -> title, and when it comes
    400: ("Bad request", "a value is not what was expected; `detail` names it"),
    401: ("Unauthorized", "a key is needed, or the key or signature that was sent does not count (any more)"),
    403: ("Forbidden", "the key has not the scope for this, or the page's origin may not send it"),
    404: ("Not found", "there is no such thing or address"),
    405: ("Method not allowed", "another method is needed; `Allow` lists them"),
    409: ("Conflict", "it contradicts what is stored, as a message id that was used for another text"),
    413: ("Too long", "the body is too long"),
    415: ("Unsupported media type", "the body is not JSON, or it is compressed"),
    429: ("Too many requests", "too many requests; try again after `Retry-After` seconds"),
    500: ("Internal error", "a fault on our side; it is logged with `request_id`"),
    503: ("Unavailable", "the database does not answer; try again after `Retry-After` seconds"),
}
PROBLEM_PAGE = "/api/docs#problem-"
RETRY_SECONDS = 2
_OUR_FAULT = "something went wrong on our side; it was logged"


class Problem(BaseModel):
    """Why a request was refused, as RFC 9457 has it."""

    type: str = Field(description="Leads to what the reference says of this kind.")
    title: str = Field(description="The kind, the same for every problem of it.")
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="What was wrong with this request, and what was expected.")
    instance: str = Field(description="Names this very request.")
    request_id: str = Field(description="The same as `X-Request-Id`; the log has it too.")


def install(app: Flask) -> None:
    """Register the handlers."""
    app.register_error_handler(HelpdeskError, from_helpdesk)
    app.register_error_handler(HTTPException, from_http)
    app.register_error_handler(ParseException, _from_framing)
    app.register_error_handler(Exception, _from_anything)


def problem(status: int, detail: str, *, title: str | None = None) -> Response:
    """One error as the caller can read it: JSON for programs, HTML for people."""
    title = title or PROBLEMS.get(status, ("Error", ""))[0]
    if for_programs():
        response = Response(_facts(status, title, detail).model_dump_json(), status, content_type=PROBLEM_JSON)
    else:
        response = Response(_page(title, detail), status)
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response


def _facts(status: int, title: str, detail: str) -> Problem:
    return Problem(
        type=f"{PROBLEM_PAGE}{status}" if status in PROBLEMS else "about:blank",
        title=title,
        status=status,
        detail=detail,
        instance=f"urn:request:{request_id()}",
        request_id=request_id(),
    )


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
    for challenge in getattr(error, "www_authenticate", None) or ():
        response.headers.add("WWW-Authenticate", challenge.to_header())
    if error.code == 405 and getattr(error, "valid_methods", None):
        response.headers["Allow"] = ", ".join(error.valid_methods)  # type: ignore[attr-defined]
    return response


def _from_framing(_: ParseException) -> Response:
    """A body of which gunicorn cannot tell where it ends; it closes the connection when it looks for a next request."""
    return problem(400, "the body is not framed as HTTP has it: a chunk is not as long as it says, or says no length")


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
