"""Traces for a collector: requests with their stages, and nothing that anybody typed."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from helpdesk.app import create_app
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

COLLECTOR = "OTEL_EXPORTER_OTLP_ENDPOINT"
TYPED = "swordfish"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What a collector got."""
    got: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    monkeypatch.setenv(COLLECTOR, f"http://127.0.0.1:{server.server_port}")
    yield got
    server.shutdown()
    thread.join()
    server.server_close()


def broken() -> str:
    """A fault whose words must not leave."""
    raise RuntimeError(TYPED)


def test_a_trace_has_stages_and_no_words(settings: Settings, live: LiveMatcher, sent: list[bytes]) -> None:
    """Of what was asked, not found and broken; in one trace with the caller's."""
    app = create_app(settings, live=live)
    client, caller = app.test_client(), "0af7651916cd43dd8448eb211c80319c"
    said = {"sender": TYPED, "message": f"my word is {TYPED}"}
    client.post("/webhooks/rest/webhook", json=said, headers={"traceparent": f"00-{caller}-b7ad6b7169203331-01"})
    for path in ("api/v1/search?q={}", "{0}?{0}", "api/v1/sessions/{}/updates", "invite/{}"):
        client.get("/" + path.format(TYPED), headers={"User-Agent": TYPED})
    app.view_functions["api.model"] = broken
    assert client.get("/api/v1/model").status_code == 500
    client.get("/livez")
    app.extensions["tracing"].force_flush()
    spans = [
        span
        for body in sent
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    of_caller = {span.name for span in spans if span.trace_id.hex() == caller}

    assert {"POST /webhooks/rest/webhook", "match", "store"} <= of_caller
    names = {span.name for span in spans}
    assert {"GET", "GET /api/v1/search", "GET /api/v1/sessions/<path:session_id>/updates"} <= names
    assert "GET /livez" not in names
    assert TYPED.encode() not in b"".join(sent)
    assert b"helpdesk" in sent[0]


def test_without_a_collector_nothing_is_traced(settings: Settings, live: LiveMatcher) -> None:
    """Nor loaded."""
    assert "tracing" not in create_app(settings, live=live).extensions
