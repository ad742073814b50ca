"""Outsiders learn what is decided and how surely, not how it came about or what other people typed."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient

from helpdesk.matching.matcher import Matcher
from helpdesk.records.database import Database
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.text import OUT_OF_SCOPE, normalise, text_key

LABELLED = "my secure tunnel says error 813"
LABELLED_OUTSIDE = "who feeds my cat tomorrow"
PHRASING = "Forgot my password!"
BODY = {"session_id": "s", "sender": "s"}
ROUTES = [
    ("GET", "/"),
    ("GET", "/demo"),
    ("GET", "/widget.js"),
    ("GET", "/widget/texts"),
    ("GET", "/login"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/webhooks/rest/"),
    ("POST", "/webhooks/rest/webhook"),
    ("POST", "/api/v1/messages"),
    ("POST", "/api/v1/match"),
    ("POST", "/api/v1/match/batch"),
    ("GET", "/api/v1/search?q=my+secure+tunnel+says+error+813"),
    ("GET", "/api/v1/faqs"),
    ("GET", "/api/v1/model"),
    ("GET", "/api/v1/sessions/<path:session_id>/updates"),
    ("GET", "/api/docs"),
    ("GET", "/api/openapi.json"),
]
OF_NO_TEXT = ("/metrics", "/", "/demo", "/widget.js", "/login", "/api/docs", "/api/openapi.json")
INTERNALS = ("label:", "phrasing:", "nearest", "similarity", "thresholds", "out_of_scope", "rows_hash", "report")


@pytest.fixture(autouse=True)
def labelled(live: LiveMatcher) -> None:
    """Two messages were labelled, and a night put them into the exact table."""
    now = live.take()
    assert now is not None
    bundle = now.matcher.bundle
    exact = bundle.exact | {text_key(normalise(LABELLED)): "vpn", text_key(normalise(LABELLED_OUTSIDE)): OUT_OF_SCOPE}
    live._live = replace(now, matcher=Matcher(replace(bundle, exact=exact)))


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """Somebody who is logged in."""
    client = app.test_client()
    assert log_in(client).status_code == 303
    return client


def _body(text: str) -> dict[str, Any]:
    """A text as every route takes it."""
    return BODY | {"text": text, "message": text, "texts": [text]}


def ask(client: FlaskClient, path: str, text: str) -> dict[str, Any]:
    """What a route says of a text."""
    said: Any = client.post(path, json=BODY | {"text": text, "message": text}).json
    found: dict[str, Any] = said[0]["custom"] if isinstance(said, list) else said
    return found


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("text", [LABELLED, LABELLED_OUTSIDE, PHRASING, "the tunnel is closed"])
def test_no_public_route_tells_internals(client: FlaskClient, method: str, path: str, text: str) -> None:
    """No ids of rows, no distances, no thresholds, no report: for a known text as for any other."""
    said = client.open(path, method=method, json=_body(text) if method == "POST" else None)

    assert said.status_code == 200
    if path not in OF_NO_TEXT:
        assert not [word for word in INTERNALS if word in json.dumps(said.json)]
    assert text not in said.text


CLOSED = tuple(
    f"/webhooks/{door}" for door in ("chatwoot", "slack", "mattermost", "teams", "deep-chat")
)  # until set up


def test_every_public_route_is_looked_at(app: Flask, client: FlaskClient) -> None:
    """A route that is added is either behind the login or in the list above."""
    listed = {(method, path.split("?")[0]) for method, path in ROUTES}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"GET", "POST"}:
            if rule.endpoint == "static" or (method, rule.rule) in listed or rule.rule in ("/login", "/invite/<token>"):
                continue
            path = re.sub(r"<[^>]+>", "1", rule.rule)
            said = client.open(path, method=method)
            closed = rule.rule in CLOSED and said.status_code == 404
            assert closed or said.status_code in (302, 400, 401, 415), f"{method} {path}: {said.status_code}"


@pytest.mark.parametrize("path", ["/webhooks/rest/webhook", "/api/v1/messages", "/api/v1/match"])
def test_a_labelled_text_looks_like_any_other(client: FlaskClient, live: LiveMatcher, path: str) -> None:
    """It is answered, with a reason and a confidence that scored texts have too."""
    now = live.take()
    assert now is not None
    known, outside = ask(client, path, LABELLED), ask(client, path, LABELLED_OUTSIDE)

    assert (known["decision"], known["reason"]) == ("answer", "confident")
    assert known["confidence"] < 1
    assert known["confidence"] >= round(min(1.0, now.matcher.bundle.thresholds.answer), 4) - 1e-4
    assert (outside["decision"], outside["reason"]) == ("fallback", "unsure")
    assert outside["confidence"] > 0


def test_a_repeated_delivery_tells_no_more(client: FlaskClient) -> None:
    """What is read back from the records is what was said."""
    body = BODY | {"text": LABELLED, "message_id": "1"}

    assert client.post("/api/v1/messages", json=body).json == client.post("/api/v1/messages", json=body).json


def test_a_phrasing_of_the_faq_may_be_seen_to_be_one(client: FlaskClient) -> None:
    """The FAQ is public."""
    found = ask(client, "/api/v1/match", PHRASING)

    assert (found["decision"], found["reason"], found["confidence"]) == ("answer", "exact", 1.0)
    assert found["matches"] == [{"intent": "password", "confidence": 1.0}]


def test_staff_see_how_a_decision_came_about(ann: FlaskClient) -> None:
    """With the cookie of a login: the true reason, the ranking, the thresholds, the report."""
    known, other = ask(ann, "/api/v1/match", LABELLED), ask(ann, "/api/v1/messages", "the tunnel is closed")
    model = ann.get("/api/v1/model").json
    results = ann.get("/api/v1/search?q=tunnel").json

    assert known["reason"] == "exact"
    assert set(known["thresholds"]) == {"answer", "clarify"}
    assert "out_of_scope" in known
    assert any(str(match["nearest"]).startswith("phrasing:") for match in other["matches"])
    assert model is not None
    assert {"report", "rows_hash", "count"} <= set(model)
    assert results is not None
    assert "similarity" in results["results"][0]


def test_a_node_tells_outsiders_no_names_of_files(
    app: Flask, client: FlaskClient, ann: FlaskClient, live: LiveMatcher
) -> None:
    """The state and what it means; the fault itself is in the log, and for staff."""
    live._problem = "bundle /srv/secret/42 is damaged"
    outside, inside = client.get("/readyz").json, ann.get("/readyz").json

    assert outside is not None
    assert inside is not None
    assert outside["state"] == inside["state"] == "lagging"
    assert outside["ready"] is True
    assert "secret" not in outside["problem"]
    assert inside["problem"] == "bundle /srv/secret/42 is damaged"


def test_a_database_that_is_gone_makes_nobody_staff(
    ann: FlaskClient, app: Flask, records: Database, settings: Settings
) -> None:
    """`/readyz` still answers, and tells no more than to anybody."""
    records.close()
    app.extensions["helpdesk"].database.close()
    (settings.home / "helpdesk.db").rename(settings.home / "elsewhere")
    (settings.home / "helpdesk.db").mkdir()
    said = ann.get("/readyz")

    assert said.status_code == 503
    assert said.json is not None
    assert (said.json["database"], said.json["problem"]) == (
        "unavailable",
        "the database does not answer; the log says why",
    )


def test_a_labelled_text_of_an_entry_without_an_answer_looks_scored(client: FlaskClient, live: LiveMatcher) -> None:
    """Its confidence is not 1, as that of its own phrasings."""
    now = live.take()
    assert now is not None
    live._live = replace(now, answered=now.answered - {"vpn"})
    label, phrasing = (ask(client, "/api/v1/match", text) for text in (LABELLED, "vpn not connecting"))

    assert (label["decision"], label["reason"], label["matches"]) == ("fallback", "no_answer", [])
    assert label["confidence"] < 1 == phrasing["confidence"]
