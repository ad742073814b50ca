"""With the database away, every route answers in order, and readiness says what messages meet."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clients import log_in
from faults import FAULTS
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from helpdesk.app import create_app
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

HEADERS = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control", "X-Request-ID")
ARGUMENTS = {"token": "t", "name": "volume", "filename": "style.css"}
MESSAGE = {"sender": "u", "message": "the printer hums a tune of its own"}
WORDS = {
    "gone": "the database does not answer",
    "full": "the database cannot grow: the disk is full",
    "locked": "the database is locked",
    "damaged": "the database is damaged",
}


@pytest.fixture
def hurried(settings: Settings, live: LiveMatcher, compiled: FileSystemBytecodeCache) -> Flask:
    """The application, which waits for nothing long."""
    made = create_app(settings.model_copy(update={"database_timeout": 0.05}), live=live)
    made.jinja_env.bytecode_cache = compiled
    return made


@pytest.fixture(params=list(FAULTS))
def broken(request: pytest.FixtureRequest, hurried: Flask, settings: Settings) -> Iterator[tuple[str, FlaskClient]]:
    """Somebody who logged in before it happened, and what happened."""
    client = hurried.test_client()
    assert log_in(client).status_code == 303
    with FAULTS[request.param](hurried, Path(settings.home) / "helpdesk.db"):
        yield request.param, client


def addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """A method and an address of each route."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            values: dict[str, Any] = {name: ARGUMENTS.get(name, 1) for name in rule.arguments}
            _, address = rule.build(values, append_unknown=False) or ("", "")
            for method in (rule.methods or set()) & {"GET", "POST"}:
                yield method, address


def test_every_route_answers_in_order(broken: tuple[str, FlaskClient], hurried: Flask) -> None:
    """Nothing but 503 comes of it, and with all headers; pages that need no database are as ever."""
    fault, client = broken
    for method, address in addresses(hurried):
        response = client.open(address, method=method)
        said = f"{fault}: {method} {address}: {response.status_code}"
        assert response.status_code < 500 or response.status_code == 503, said
        assert [name for name in HEADERS if name not in response.headers] == [], said
        if response.status_code == 503 and not address.startswith("/readyz"):
            assert int(response.headers["Retry-After"]) > 0, said


def test_readiness_says_what_messages_meet(broken: tuple[str, FlaskClient], hurried: Flask, settings: Settings) -> None:
    """Not ready while a message cannot be stored; the reason names no path and no host."""
    fault, _ = broken
    stranger = hurried.test_client()
    ready = stranger.get("/readyz")

    assert 503 in (stranger.post("/webhooks/rest/webhook", json=MESSAGE).status_code for _ in range(40))
    assert ready.status_code == 503
    assert ready.get_json()["problem"].startswith(WORDS[fault])
    assert str(settings.home) not in ready.text


def test_ready_means_that_something_was_stored(client: FlaskClient) -> None:
    """And which version is promoted."""
    ready = client.get("/readyz")

    assert ready.status_code == 200
    assert (ready.get_json()["version"], ready.get_json()["promoted"]) == (1, 1)
