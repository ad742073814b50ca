"""Who may use the public API: anybody, or whoever has a key or a login."""

from typing import Any

import pytest
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import event
from werkzeug.test import TestResponse

from helpdesk.app import create_app
from helpdesk.records import api_keys
from helpdesk.records.api_keys import Scope
from helpdesk.records.database import Database
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

WEBHOOK = "/webhooks/rest/webhook"
BODIES = {
    WEBHOOK: {"sender": "a", "message": "forgot my password"},
    "/api/v1/messages": {"session_id": "a", "text": "forgot my password"},
    "/api/v1/match": {"text": "forgot my password"},
    "/api/v1/match/batch": {"texts": ["forgot my password"]},
}
SCOPES = {
    WEBHOOK: Scope.MESSAGES,
    "/api/v1/messages": Scope.MESSAGES,
    "/api/v1/match": Scope.MATCH,
    "/api/v1/match/batch": Scope.MATCH,
    "/api/v1/search?q=vpn": Scope.SEARCH,
    "/api/v1/faqs": Scope.FAQS,
    "/api/v1/sessions/a/updates": Scope.MESSAGES,
    "/api/v1/model": Scope.MODEL,
}
ALWAYS_OPEN = ("/webhooks/rest/", "/livez", "/readyz", "/metrics", "/api/docs", "/api/openapi.json")
SHOP = "https://shop.example"


@pytest.fixture
def closed(settings: Settings, live: LiveMatcher) -> FlaskClient:
    """Somebody in front of an API that needs keys."""
    return create_app(settings.model_copy(update={"require_key": True}), live=live).test_client()


def make(records: Database, *scopes: str, name: str = "k", origins: tuple[str, ...] = ()) -> str:
    """A new key."""
    with records.write() as session:
        return api_keys.add_key(session, name, scopes=scopes, origins=origins, author="ann").token


def bearer(key: str) -> dict[str, str]:
    """How a program sends its key."""
    return {"Authorization": f"Bearer {key}"}


def ask(client: FlaskClient, path: str, headers: dict[str, str] | None = None) -> TestResponse:
    """A good request of a route."""
    body = BODIES.get(path)
    return client.get(path, headers=headers) if body is None else client.post(path, json=body, headers=headers)


@pytest.mark.parametrize("path", SCOPES)
def test_a_closed_api_needs_a_key_with_the_scope(closed: FlaskClient, records: Database, path: str) -> None:
    """401 says how to send one, 403 which scope is missing."""
    right, other = make(records, SCOPES[path]), make(records, *(set(Scope) - {SCOPES[path]}), name="other")
    nobody, wrong = ask(closed, path), ask(closed, path, bearer(right + "x"))
    lacking, allowed = ask(closed, path, bearer(other)), ask(closed, path, bearer(right))

    assert [said.status_code for said in (nobody, wrong, lacking, allowed)] == [401, 401, 403, 200], allowed.text
    assert nobody.headers["WWW-Authenticate"] == "Bearer realm=helpdesk"
    assert "error=invalid_token" in wrong.headers["WWW-Authenticate"]
    assert f"scope={SCOPES[path]}" in lacking.headers["WWW-Authenticate"]
    assert nobody.content_type == lacking.content_type == "application/problem+json"


@pytest.mark.parametrize("path", ALWAYS_OPEN)
def test_health_and_the_reference_stay_open(closed: FlaskClient, path: str) -> None:
    """Load balancers have no keys."""
    assert closed.get(path).status_code == 200


def test_a_login_is_as_good_as_a_key(closed: FlaskClient) -> None:
    """Staff use the chat page of a closed API; others read that it is off."""
    for path in ("/", "/demo"):
        off = closed.get(path)
        assert off.status_code == 403
        assert "This chat page is off" in off.text
        assert f'href="/login?next={path}"' in off.text
    log_in(closed)

    assert closed.get("/").status_code == closed.get("/demo").status_code == 200
    assert "data-site-key" not in closed.get("/").text
    assert ask(closed, WEBHOOK).status_code == 200


def test_the_chat_page_may_have_a_key_of_its_own(settings: Settings, live: LiveMatcher, records: Database) -> None:
    """With it visitors use the page of a closed API, and nothing but that."""
    key = make(records, Scope.MESSAGES, Scope.FEEDBACK, origins=("http://localhost",))
    client = create_app(
        settings.model_copy(update={"require_key": True, "chat_page_key": SecretStr(key)}), live=live
    ).test_client()
    for path in ("/", "/demo"):
        assert f'data-site-key="{key}"' in client.get(path).text
    assert "helpdesk key add www --origin" in client.get("/demo").text  # the page's own key counts on no other site
    assert "HELPDESK_ALLOWED_ORIGINS" not in client.get("/demo").text
    sent = {"X-Site-Key": key, "Origin": "http://localhost"}

    assert ask(client, "/api/v1/messages", sent).status_code == 200
    assert ask(client, "/api/v1/match", sent).status_code == 403


def test_without_the_setting_the_api_is_open(client: FlaskClient, records: Database) -> None:
    """A key that counts has its scopes alone, one that does not is refused; what a proxy sends is not for us."""
    key = make(records, Scope.MATCH)

    assert ask(client, WEBHOOK).status_code == 200
    assert ask(client, WEBHOOK, bearer(key)).status_code == 403
    for wrong in ("hd_unknown", "unknown", key[3:], "a.b", "", "é"):
        assert ask(client, WEBHOOK, bearer(wrong)).status_code == 401, wrong
        assert ask(client, "/api/v1/faqs", {"X-Site-Key": wrong, "Origin": SHOP}).status_code == 401, wrong
        said = client.post(WEBHOOK, query_string={"token": wrong}, json=BODIES[WEBHOOK])
        assert said.status_code == 401, wrong
    assert ask(client, WEBHOOK, bearer("eyJhbGciOi.of.a.proxy")).status_code == 200
    assert ask(client, WEBHOOK, {"Authorization": "Basic YTpi"}).status_code == 200


def test_internals_are_for_keys_that_have_them(client: FlaskClient, records: Database) -> None:
    """The whole ranking, as staff see it."""
    plain, inner = make(records, Scope.MATCH), make(records, Scope.MATCH, Scope.INTERNALS, name="inner")
    text = {"text": "which printer is it please"}
    outside: Any = client.post("/api/v1/match", json=text, headers=bearer(plain)).json
    inside: Any = client.post("/api/v1/match", json=text, headers=bearer(inner)).json

    assert "thresholds" not in outside
    assert set(inside["thresholds"]) == {"answer", "clarify"}
    assert len(inside["matches"]) == 5


def test_a_client_of_rasa_writes_its_token_into_the_address(closed: FlaskClient, records: Database) -> None:
    """There alone."""
    key = make(records, Scope.MESSAGES, Scope.MATCH)

    assert closed.post(f"{WEBHOOK}?token={key}", json=BODIES[WEBHOOK]).status_code == 200
    assert closed.post(f"{WEBHOOK}?token={key}x", json=BODIES[WEBHOOK]).status_code == 401
    assert closed.post(f"{WEBHOOK}?token=other", json=BODIES[WEBHOOK]).status_code == 401
    assert closed.post(f"{WEBHOOK}?token=a%00b", json=BODIES[WEBHOOK]).status_code == 401
    proxied = bearer("eyJhbGciOi.of.a_proxy")
    assert closed.post(f"{WEBHOOK}?token={key}", json=BODIES[WEBHOOK], headers=proxied).status_code == 200
    assert closed.post(f"/api/v1/match?token={key}", json=BODIES["/api/v1/match"]).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": SHOP}, 200),
        ({"Origin": "https://other.example"}, 403),
        ({"Origin": f"{SHOP}.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Host": "helpdesk.example"}, 200),
    ],
)
def test_a_site_key_is_for_its_pages(
    closed: FlaskClient, records: Database, headers: dict[str, str], status: int
) -> None:
    """Of exactly these origins."""
    key = make(records, Scope.MESSAGES, origins=(SHOP, "http://helpdesk.example"))

    said = ask(closed, WEBHOOK, headers | {"X-Site-Key": key})

    assert said.status_code == status, said.text
    if "Origin" in headers:
        assert (said.headers.get("Access-Control-Allow-Origin") == SHOP) == (status == 200)


def test_a_site_key_is_no_key_of_a_program(closed: FlaskClient, records: Database) -> None:
    """And the other way round."""
    site = make(records, Scope.MESSAGES, origins=(SHOP,))
    program = make(records, Scope.MESSAGES, name="program")

    assert ask(closed, WEBHOOK, bearer(site)).status_code == 401
    assert ask(closed, WEBHOOK, {"X-Site-Key": program, "Origin": SHOP}).status_code == 401


@pytest.mark.parametrize(("origin", "allowed"), [(SHOP, True), ("https://other.example", False)])
def test_browsers_may_send_what_a_site_needs(
    closed: FlaskClient, records: Database, origin: str, allowed: bool
) -> None:
    """They ask first, without the key; from no other page, and never with cookies."""
    make(records, Scope.MESSAGES, origins=(SHOP,))
    question = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    said = closed.options("/api/v1/messages", headers=question).headers

    assert ("Access-Control-Allow-Origin" in said) == allowed
    assert "Access-Control-Allow-Credentials" not in said
    assert "Origin" in said["Vary"]
    if allowed:
        assert "X-Site-Key" in said["Access-Control-Allow-Headers"]
        assert "POST" in said["Access-Control-Allow-Methods"]


def test_using_a_key_writes_once(app: Flask, client: FlaskClient, records: Database) -> None:
    """Not with every request."""
    key, writes = make(records, Scope.SEARCH), []

    def note(*arguments: Any) -> None:
        if arguments[2].startswith("UPDATE api_keys"):
            writes.append(arguments[2])

    event.listen(app.extensions["helpdesk"].database.engine, "before_cursor_execute", note)
    for _ in range(5):
        assert ask(client, "/api/v1/search?q=vpn", bearer(key)).status_code == 200

    assert len(writes) == 1
    with records.read() as session:
        (row,) = api_keys.list_keys(session)
    assert row.last_used_at is not None
