"""OpenTelemetry: a trace for each request, with its stages, where a collector is named and
`helpdesk[otel]` is installed. The standard OTEL_* variables configure it.

What leaves is what is listed here. Addresses, their queries and errors may hold what somebody typed, or a token.
"""

import logging
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import Flask

from helpdesk.serving.chat_service import ChatService

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = logging.getLogger(__name__)
_COLLECTORS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_METHODS = ("http.request.method", "http.method")
_TOLD = {*_METHODS, "http.response.status_code", "http.status_code", "http.route"}
_QUIET = "livez,readyz,metrics,static"


def install(app: Flask, service: ChatService) -> None:
    """Trace the requests of this process, if a collector is named. Call after the fork: spans are sent by a thread."""
    named = next((name for name in _COLLECTORS if os.environ.get(name)), None)
    if named is None or os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.flask import FlaskInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        log.warning("%s is set, but %s is not installed: pip install 'helpdesk[otel]'", named, error.name)
        return

    class Exporter(OTLPSpanExporter):
        """Sends of each span what may be told."""

        def export(self, spans: "Sequence[ReadableSpan]") -> Any:
            return super().export([_told(span) for span in spans])

    is_named = "OTEL_SERVICE_NAME" in os.environ or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    provider = TracerProvider(resource=Resource.create({} if is_named else {"service.name": "helpdesk"}))
    provider.add_span_processor(BatchSpanProcessor(Exporter()))
    instrument = FlaskInstrumentor().instrument_app
    instrument(app, tracer_provider=provider, excluded_urls=_QUIET)  # type: ignore[no-untyped-call]
    service.tallies.span = provider.get_tracer("helpdesk").start_as_current_span
    app.extensions["tracing"] = provider


def _told(span: "ReadableSpan") -> "ReadableSpan":
    """A span without what may hold somebody's words: it is named by route and method."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanKind, Status

    attributes = {name: value for name, value in (span.attributes or {}).items() if name in _TOLD}
    name = span.name
    if span.kind == SpanKind.SERVER and "http.route" not in attributes:
        name = str(next((attributes[method] for method in _METHODS if method in attributes), "HTTP"))
    return ReadableSpan(
        name=name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=attributes,
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )
