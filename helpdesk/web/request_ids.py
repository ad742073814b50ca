"""Every request has an id: the one it came with, or a new one. It is in the reply, in errors and in the log."""

import re
from uuid import uuid4

from flask import Flask, Response, g, request

REQUEST_ID = "X-Request-Id"
_USABLE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id() -> str:
    """The id of the request that is being answered."""
    if "request_id" not in g:
        given = request.headers.get(REQUEST_ID, "")
        g.request_id = given if _USABLE.fullmatch(given) else uuid4().hex
    found: str = g.request_id
    return found


def install(app: Flask) -> None:
    """Name the request in every reply."""

    @app.after_request
    def _name(response: Response) -> Response:
        response.headers[REQUEST_ID] = request_id()
        return response
