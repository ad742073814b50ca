"""The chat widget for other sites: one script, put together from the files of `web/widget/`, and its texts."""

import gzip
import hashlib
import json
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, jsonify, request

from helpdesk.web.context import service
from helpdesk.web.policy import public

AGE = 600  # seconds that a browser uses script and texts without asking for newer ones
_FOLDER = Path(__file__).parent.parent / "widget"
_PARTS = ("store.js", "markup.js", "server.js", "view.js", "widget.js")
_DEFAULT = "en"
blueprint = Blueprint("widget", __name__)


@blueprint.get("/widget.js")
@public
def script() -> Response:
    """What a page on another site loads; compressed for browsers that say so."""
    compress = bool(request.accept_encodings["gzip"])
    body = gzipped_script() if compress else widget_script()
    response = Response(body, content_type="text/javascript; charset=utf-8")
    if compress:
        response.headers["Content-Encoding"] = "gzip"
    response.vary.add("Accept-Encoding")
    return _cached(response)


@blueprint.get("/widget/texts")
@public
def texts() -> Response:
    """The texts in the first of `?languages=de-AT,fr` that there are texts in, and the longest message."""
    wanted = (name.strip()[:2].lower() for name in request.args.get("languages", "").split(","))
    language = next((name for name in wanted if name in widget_texts()), _DEFAULT)
    limit = service().settings.max_message_chars
    return _cached(jsonify({"language": language, "limit": limit, "texts": widget_texts()[language]}))


@cache
def widget_script() -> bytes:
    """The script with its style, in one function so that it shares no name with the page."""
    style = json.dumps(_lean((_FOLDER / "style.css").read_text(encoding="utf-8")).replace("\n", "").replace(" {", "{"))
    parts = (_lean((_FOLDER / name).read_text(encoding="utf-8")) for name in _PARTS)
    body = "\n".join((f"const STYLE = {style};", *parts))
    return f'(() => {{\n"use strict";\n{body}\n}})();\n'.encode()


@cache
def gzipped_script() -> bytes:
    """The same, packed."""
    return gzip.compress(widget_script(), mtime=0)


@cache
def widget_texts() -> dict[str, dict[str, str]]:
    """Language -> name -> text."""
    files = sorted((_FOLDER / "texts").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in files}


def _lean(source: str) -> str:
    """Lines without indentation and comments; no text of the widget spans lines or has ` // ` in it."""
    lines = (f" {line.strip()}".partition(" // ")[0].strip() for line in source.splitlines())
    return "\n".join(line for line in lines if line)


def _cached(response: Response) -> Response:
    """Kept by browsers for a while, then asked for by its hash; pages that isolate themselves may use it too."""
    response.cache_control.public = True
    response.cache_control.max_age = AGE
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:20])
    response.make_conditional(request)
    return response
