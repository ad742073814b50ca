"""Headers of every response: what a browser may do with our pages is nearly nothing.

Style and scripts are named by their content, so a browser keeps them and asks again only for new ones.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

YEAR = 365 * 24 * 3600  # seconds

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    )
)
_MAY_BE_FRAMED = "chat.page"
_NOBODY = "'none'"


def install(app: Flask, *, https_only: bool, frame_ancestors: Sequence[str]) -> None:
    """Add the headers to every response, errors included.

    https_only: browsers come by TLS alone for a year; frame_ancestors: whose pages may frame the chat page.
    """
    folder = Path(app.static_folder or "")

    @app.url_defaults
    def _name_by_content(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static":
            values.setdefault("v", _content_key(folder / values["filename"]))

    always = [("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin")]
    if https_only:
        always.append(("Strict-Transport-Security", f"max-age={YEAR}"))
    framed_by = " ".join(frame_ancestors) or _NOBODY
    by_endpoint = {_MAY_BE_FRAMED: f"{_POLICY}; frame-ancestors {framed_by}"}
    by_nobody = f"{_POLICY}; frame-ancestors {_NOBODY}"

    @app.after_request
    def _add(response: Response) -> Response:
        endpoint, headers = request.endpoint, response.headers
        headers.extend([("Content-Security-Policy", by_endpoint.get(endpoint or "", by_nobody)), *always])
        if endpoint == "static" and request.args.get("v") and response.status_code == 200:
            headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
        elif endpoint != "static" and "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        return response


@lru_cache(maxsize=64)
def _content_key(path: Path) -> str:
    """A few digits of the hash of a file; a process serves the files that it began with."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10] if path.is_file() else ""
