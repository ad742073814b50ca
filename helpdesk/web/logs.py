"""Log lines for programs: one for each request, and what happened. They hold no text of a message and no secret.

A request is named by its route, not by its address, which may hold the token of an invitation or somebody's search.
"""

import logging
import sys
import time
from typing import Any, Literal

import structlog
from flask import Flask, Response, g, request

from helpdesk.web.context import service
from helpdesk.web.request_ids import request_id

_QUIET = ("health.livez", "health.readyz", "metrics.metrics", "static")
log = structlog.stdlib.get_logger("helpdesk.access")


def configure(style: Literal["json", "text"]) -> None:
    """All log lines of this process in one form, on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    renderer = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.set_name("helpdesk")
    root = logging.getLogger()
    if not any(known.get_name() == "helpdesk" for known in root.handlers):
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging._srcfile = None  # no line names its place in the code: do not look for it
    logging.logThreads = logging.logMultiprocessing = False
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def install(app: Flask, *, tenant: str | None) -> None:
    """Every line of a request in the log names its id, and one tells how it was answered. Where there are many tenants,
    each line names its own, also in threads that the caller starts after this."""
    tenant_named = {} if tenant is None else {"tenant": tenant}
    structlog.contextvars.bind_contextvars(**tenant_named)

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id(), **tenant_named)

    @app.after_request
    def _end(response: Response) -> Response:
        if "began" in g and request.endpoint not in _QUIET:
            seconds = time.perf_counter() - g.began
            log.info(
                "request",
                method=request.method,
                route=route(),
                status=response.status_code,
                ms=round(seconds * 1000, 1),
            )
        return response


def route() -> str:
    """What a request asked for, as a log may name it."""
    return str(request.url_rule) if request.url_rule else "unknown"


def note_received() -> None:
    """All of a message was read and checked: the stage `receive` ends."""
    if "began" in g:
        service().tallies.took("receive", time.perf_counter() - g.began)
