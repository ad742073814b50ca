"""The OpenAPI document: complete, committed as it is, and kept by real replies."""

import json
from pathlib import Path
from typing import Any

import pytest
from clients import log_in
from commands import run_in
from flask import Flask
from flask.testing import FlaskClient
from jsonschema_rs import validator_for
from werkzeug.test import TestResponse

from helpdesk.app import api_document, create_app
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.web.openapi import document

COMMITTED = Path(__file__).parents[3] / "docs" / "reference" / "openapi.json"
PROGRAMS = ("/api/", "/webhooks/", "/livez", "/readyz", "/metrics")
OF_THE_REFERENCE = ("reference.openapi", "reference.page")
ASKED: list[tuple[str, str, Any]] = [
    ("POST", "/webhooks/rest/webhook", {"sender": "a", "message": "forgot my password"}),
    ("POST", "/webhooks/rest/webhook", {"sender": "a", "message": "good morning"}),
    ("POST", "/webhooks/rest/webhook", {"sender": "a", "message": "what is the capital of peru"}),
    ("POST", "/webhooks/rest/webhook", {"sender": "a"}),
    ("POST", "/api/v1/messages", {"session_id": "a", "text": "forgot my password"}),
    ("POST", "/api/v1/messages", {"session_id": "a", "text": "good morning", "message_id": 3}),
    ("POST", "/api/v1/messages", {"session_id": "a", "text": "another", "message_id": 3}),
    ("POST", "/api/v1/match", {"text": "nothing prints"}),
    ("POST", "/api/v1/match", {"text": " "}),
    ("POST", "/api/v1/match/batch", {"texts": ["nothing prints", "good morning", "asdf"]}),
    ("POST", "/api/v1/match/batch", {"texts": []}),
    ("GET", "/api/v1/search?q=password&limit=3", None),
    ("GET", "/api/v1/search?q=password&limit=0", None),
    ("GET", "/api/v1/faqs?limit=2", None),
    ("GET", "/api/v1/faqs?after=vpn", None),
    ("GET", "/api/v1/model", None),
    ("GET", "/api/v1/sessions/a/updates?after=3", None),
    ("GET", "/api/v1/sessions/a/updates?channel=A", None),
    ("POST", "/api/v1/messages/1/feedback", {"session_id": "a", "helpful": True}),
    ("POST", "/api/v1/messages/1/feedback", {"session_id": "a"}),
    ("GET", "/livez", None),
    ("GET", "/readyz", None),
    ("GET", "/webhooks/rest/", None),
]
PLACES = {
    "/api/v1/sessions/a/updates": "/api/v1/sessions/{session_id}/updates",
    "/api/v1/messages/1/feedback": "/api/v1/messages/{message_id}/feedback",
}


def test_the_committed_document_is_that_of_the_code(tmp_path: Path) -> None:
    """`helpdesk api schema > docs/reference/openapi.json` was not forgotten; no home is needed for it."""
    assert run_in(tmp_path / "nowhere", "api", "schema").stdout == COMMITTED.read_text(encoding="utf-8")


def test_an_application_serves_that_document(client: FlaskClient) -> None:
    """What is committed is what a client reads."""
    assert client.get("/api/openapi.json").json == json.loads(COMMITTED.read_text(encoding="utf-8"))


def test_every_route_of_programs_is_described(app: Flask) -> None:
    """And says which scope a key needs, but for health, the metrics, and other systems that prove themselves."""
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if not rule.rule.startswith(PROGRAMS) or rule.endpoint in OF_THE_REFERENCE:
            continue
        assert hasattr(view, "operation"), f"{rule.rule} has no @describes"
        if rule.rule.startswith("/api/v1/") or "POST" in (rule.methods or ()):
            assert hasattr(view, "scope") != bool(view.operation.proof), f"{rule.rule} has no @needs, or proof too"


@pytest.mark.parametrize("as_staff", [False, True])
@pytest.mark.parametrize(("method", "path", "body"), ASKED)
def test_replies_are_as_described(client: FlaskClient, method: str, path: str, body: Any, as_staff: bool) -> None:
    """Status, content type and schema, for outsiders and for staff, good requests and bad ones."""
    if as_staff:
        log_in(client)

    said = client.open(path, method=method, json=body)

    assert faults(said, method, path) == [], said.text


def test_feedback_is_answered_as_described(client: FlaskClient) -> None:
    """What the sender of a message says of its reply."""
    asked: Any = client.post("/api/v1/messages", json={"session_id": "a", "text": "forgot my password"}).json
    path = "/api/v1/messages/1/feedback"
    said = client.post(path, json={"session_id": "a", "helpful": False})

    assert (asked["message_id"], said.status_code) == (1, 200)
    assert faults(said, "POST", path) == []


def faults(said: TestResponse, method: str, path: str) -> list[Any]:
    """How a reply differs from what the document says of its route."""
    described, place = api_document(), path.partition("?")[0]
    replies = described["paths"][PLACES.get(place, place)][method.lower()]["responses"]
    content = replies[str(said.status_code)]["content"][said.mimetype]
    schema = {**content["schema"], "components": described["components"]}
    return list(validator_for(schema).iter_errors(json.loads(said.data)))


def test_a_closed_api_says_so(settings: Settings, live: LiveMatcher) -> None:
    """The document of an installation tells whether it takes anything without a key."""
    closed = create_app(settings.model_copy(update={"require_key": True}), live=live)
    ways: Any = closed.test_client().get("/api/openapi.json").json
    opened = document(closed)

    assert {} not in ways["paths"]["/api/v1/match"]["post"]["security"]
    assert {} in opened["paths"]["/api/v1/match"]["post"]["security"]


def test_problems_lead_to_their_page_and_to_the_log(client: FlaskClient) -> None:
    """Type, instance and request id; the id is the caller's own where it can be one."""
    given = client.get("/api/v1/nothing", headers={"X-Request-Id": "mine-7"})
    forged = client.get("/api/v1/nothing", headers={"X-Request-Id": "a b{c}"})

    problem = json.loads(given.data)
    assert problem["request_id"] == given.headers["X-Request-Id"] == "mine-7"
    assert problem["instance"] == "urn:request:mine-7"
    assert forged.headers["X-Request-Id"] != "a b{c}"
    page, _, anchor = problem["type"].partition("#")
    assert f'id="{anchor}"' in client.get(page).text


def test_the_reference_shows_every_operation(client: FlaskClient) -> None:
    """As a page with lines for curl; nothing of it comes from elsewhere, and every link on it leads somewhere."""
    import re

    text = client.get("/api/docs").text

    for path, methods in api_document()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path}" in text
    assert "curl -s http://localhost/api/v1/match -H" in text
    assert not re.findall(r'(?:src|href)="(?:https?:)?//', text)
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(re.findall(r'id="([^"]+)"', text))


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*;q=0.5", "nonsense", ""])
def test_json_is_sent_whatever_is_accepted(client: FlaskClient, accept: str) -> None:
    """Old clients send anything there."""
    said = client.post("/api/v1/match", json={"text": "vpn"}, headers={"Accept": accept})
    refused = client.post("/api/v1/match", json={}, headers={"Accept": accept})

    assert (said.status_code, said.mimetype) == (200, "application/json")
    assert (refused.status_code, refused.mimetype) == (400, "application/problem+json")
