"""Who does something too often is told to wait, and nobody else is."""

import json
import logging
from typing import Any

import pytest
from clients import ask
from flask import Flask, request
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from helpdesk.app import create_app
from helpdesk.errors import BadInputError
from helpdesk.records.api_keys import add_key
from helpdesk.records.database import Database
from helpdesk.records.tables import AskedText
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings

WEBHOOK = "/webhooks/rest/webhook"
FEW = {"limit_session": "3/hour", "limit_address": "5/hour", "limit_login": "4/hour"}


@pytest.fixture
def proxied(settings: Settings, live: LiveMatcher, compiled: FileSystemBytecodeCache) -> Flask:
    """The application behind one proxy, with small limits."""
    made = create_app(settings.model_copy(update=FEW | {"trusted_proxies": 1, "https_only": True}), live=live)
    made.jinja_env.bytecode_cache = compiled
    return made


def say(client: FlaskClient, sender: str, address: str, path: str = WEBHOOK) -> TestResponse:
    """A message that came through a proxy."""
    body = {"sender": sender, "message": "hello", "session_id": sender, "text": "hello"}
    return client.post(path, json=body, headers={"X-Forwarded-For": address})


def test_a_sender_and_an_address_have_a_limit_each(proxied: Flask) -> None:
    """429 in problem+json with the time to wait; others go on."""
    client = proxied.test_client()
    said = [say(client, "ann", "203.0.113.1").status_code for _ in range(4)]
    refused = say(client, "ann", "203.0.113.2")

    assert said == [200, 200, 200, 429]
    assert refused.content_type == "application/problem+json"
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert "3 per 1 hour" in refused.get_json()["detail"]
    assert say(client, "bob", "203.0.113.1", "/api/v1/match").status_code == 200
    assert say(client, "bob", "203.0.113.1", "/api/v1/messages").status_code == 429
    assert client.get("/api/v1/search?q=vpn", headers={"X-Forwarded-For": "203.0.113.1"}).status_code == 429
    assert say(client, "bob", "203.0.113.3").status_code == 200


def test_a_program_is_counted_by_its_key_and_guesses_by_their_address(proxied: Flask, records: Database) -> None:
    """A key that does not count makes no guess free, and what everybody on a site's pages has is no one's own."""
    with records.write() as session:
        key = add_key(session, "k", scopes=["match"], author="ann").token
        site = add_key(session, "s", scopes=["search"], origins=["https://shop.example"], author="ann").token
    client, address = proxied.test_client(), {"X-Forwarded-For": "203.0.113.1"}

    def match(token: str) -> int:
        headers = address | {"Authorization": f"Bearer {token}"}
        return client.post("/api/v1/match", json={"text": "hello"}, headers=headers).status_code

    assert [match(key) for _ in range(6)] == [200] * 6
    assert [match("hd_guess") for _ in range(4)] == [401] * 4
    of_site = address | {"X-Site-Key": site, "Origin": "https://shop.example"}
    assert [client.get("/api/v1/search?q=vpn", headers=of_site).status_code for _ in range(2)] == [200, 429]
    assert match(key) == 200


def test_short_replies_in_another_language_are_counted_too(app: Flask) -> None:
    """One process counts once."""
    chat: ChatService = app.extensions["helpdesk"]

    assert chat.speaking("de") is not chat
    assert chat.speaking("de").tallies is chat.tallies


def test_addresses_that_are_made_up_change_nothing(proxied: Flask) -> None:
    """Only the last entry, which the proxy wrote, counts; of IPv6 the network."""
    client = proxied.test_client()
    forged = [say(client, f"s{n}", f"198.51.100.{n}, 203.0.113.1").status_code for n in range(6)]
    moved = [say(client, f"t{n}", f"2001:db8::{n}").status_code for n in range(6)]

    assert forged == moved == [200] * 5 + [429]


def test_without_a_trusted_proxy_nothing_is_believed(app: Flask, settings: Settings) -> None:
    """The address is that of the connection."""
    seen: list[str | None] = []
    app.before_request(lambda: seen.append(request.remote_addr))
    app.test_client().get("/livez", headers={"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https"})

    assert seen == ["127.0.0.1"]


def test_logins_have_a_limit_and_browsers_stay_on_tls(proxied: Flask) -> None:
    """Even right ones, by address; behind TLS every response says so."""
    client = proxied.test_client()
    headers = {"X-Forwarded-For": "203.0.113.1", "X-Forwarded-Proto": "https", "Referer": "https://localhost/login"}
    page = client.get("/login", headers=headers, base_url="https://localhost")
    codes = [client.post("/login", data={"name": "x", "password": "y"}, headers=headers).status_code for _ in range(5)]

    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert codes[-1] == 429
    assert 429 not in codes[:4]


@pytest.mark.parametrize("bad", ["many", "5", "5/fortnight"])
def test_a_limit_that_is_none_is_named(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was expected."""
    monkeypatch.setenv("HELPDESK_LIMIT_SESSION", bad)
    with pytest.raises(BadInputError, match=r"HELPDESK_LIMIT_SESSION='.*expected e.g. 60/minute"):
        load_settings()


def test_what_one_sender_floods_is_no_demand(ann: FlaskClient, records: Database) -> None:
    """After thirty questions in an hour, and after the same text three times: stored and answered, not queued."""
    for _ in range(5):
        ask(ann, "why does the coffee taste of soap")
    ask(ann, *(f"gibberish number {n} qwrtzp" for n in range(40)))
    with records.read() as session:
        texts = {row.normalised: row.count for row in session.query(AskedText)}
    page = ann.get("/metrics").text

    assert "17 messages of the last 7 days are not queued" in ann.get("/desk").text
    assert texts["why does the coffee taste of soap"] == 3
    assert len(texts) == 1 + 25
    assert 'helpdesk_kept_out_total{reason="flood"} 15.0' in page
    assert 'helpdesk_kept_out_total{reason="repeated"} 2.0' in page


def test_the_log_names_no_secret_and_no_text(app: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """A line for each request, by its route, under the id that the caller gave or got."""
    caplog.set_level(logging.INFO)
    ask(client, "my secret is swordfish")
    client.get("/invite/tokentokentoken")
    client.get("/api/v1/search?q=swordfish&token=tokentokentoken")
    given = client.get("/login", headers={"X-Request-ID": "trace-1"})
    forged = client.get("/login", headers={"X-Request-ID": "a b\x7f"})
    lines: list[Any] = [record.msg for record in caplog.records if record.name == "helpdesk.access"]

    assert [line["route"] for line in lines][:3] == [WEBHOOK, "/invite/<token>", "/api/v1/search"]
    assert "swordfish" not in caplog.text
    assert "tokentoken" not in caplog.text
    assert given.headers["X-Request-ID"] == "trace-1" == lines[3]["request_id"]
    assert len(forged.headers["X-Request-ID"]) == 32


def test_log_lines_are_json(app: Flask) -> None:
    """Those of libraries too."""
    (handler,) = [found for found in logging.getLogger().handlers if found.get_name() == "helpdesk"]
    record = logging.LogRecord("somebody", logging.WARNING, "x.py", 1, "it is %s\n", ("late",), None)

    assert json.loads(handler.format(record))["event"] == "it is late\n"


def test_stages_are_in_the_metrics(app: Flask, client: FlaskClient) -> None:
    """Receive, match and store, as histograms."""
    ask(client, "hello there")
    app.extensions["helpdesk"].tallies.tell()
    page = client.get("/metrics").text

    for stage in ("receive", "match", "store"):
        assert f'helpdesk_stage_seconds_count{{stage="{stage}"}} 1.0' in page
        assert f'helpdesk_stage_seconds_bucket{{le="+Inf",stage="{stage}"}} 1.0' in page
    assert "helpdesk_database_writable 1.0" in page
