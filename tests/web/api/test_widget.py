"""The widget's script and texts: small, kept by browsers, readable for listed sites; who may frame the chat page."""

import json
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from helpdesk.app import create_app
from helpdesk.errors import BadInputError
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.web.api.widget import gzipped_script, widget_script, widget_texts

SHOP, STRANGER = "https://shop.example", "https://stranger.example"
MOST_BYTES = 10_000
GUIDE = Path(__file__).parents[3] / "docs/how-to/put-the-bot-on-your-site.md"


@pytest.fixture
def open_client(settings: Settings, live: LiveMatcher) -> FlaskClient:
    """A server whose API one site may call."""
    return create_app(settings.model_copy(update={"allowed_origins": (SHOP,)}), live=live).test_client()


def ancestors(client: FlaskClient, path: str) -> str:
    """Who may frame a page."""
    found = re.search(r"frame-ancestors ([^;]+)", client.get(path).headers["Content-Security-Policy"])
    assert found
    return found[1]


def test_the_script_is_small() -> None:
    """Under 10 kB on the way."""
    assert len(gzipped_script()) < MOST_BYTES


def test_a_browser_keeps_the_script_and_asks_by_its_hash(client: FlaskClient) -> None:
    """Plain or packed, each with a hash of its own; nothing is sent again that has not changed."""
    plain, packed = client.get("/widget.js"), client.get("/widget.js", headers={"Accept-Encoding": "gzip, br"})
    again = client.get("/widget.js", headers={"If-None-Match": plain.headers["ETag"]})

    assert plain.mimetype == "text/javascript"
    assert (plain.data, packed.data) == (widget_script(), gzipped_script())
    assert (packed.headers.get("Content-Encoding"), plain.headers.get("Content-Encoding")) == ("gzip", None)
    assert "max-age=600" in plain.headers["Cache-Control"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert plain.headers["ETag"] != packed.headers["ETag"]
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize("path", ["/widget.js", "/widget/texts", "/api/v1/model"])
def test_listed_sites_may_read_it(open_client: FlaskClient, client: FlaskClient, path: str) -> None:
    """Others load the script too, as every script may be loaded, but read nothing."""
    allowed = "Access-Control-Allow-Origin"

    assert open_client.get(path, headers={"Origin": SHOP}).headers[allowed] == SHOP
    assert open_client.get(path, headers={"Origin": STRANGER}).headers.get(allowed) != STRANGER
    assert allowed not in client.get(path, headers={"Origin": SHOP}).headers
    assert allowed not in open_client.get("/demo", headers={"Origin": SHOP}).headers


@pytest.mark.parametrize(
    ("asked", "given"),
    [("de-AT,en", "de"), ("FR", "fr"), ("pt,es-MX", "es"), ("ar", "en"), ("", "en"), ("../../x,%00", "en")],
)
def test_texts_come_in_the_first_language_that_there_is(client: FlaskClient, asked: str, given: str) -> None:
    said = client.get("/widget/texts", query_string={"languages": asked}).json
    assert said is not None
    assert (said["language"], said["texts"]) == (given, widget_texts()[given])


def test_the_limit_is_the_servers(client: FlaskClient, settings: Settings) -> None:
    said = client.get("/widget/texts").json
    assert said is not None
    assert said["limit"] == settings.max_message_chars


def test_every_language_says_everything() -> None:
    """The same names, and the same places for numbers."""
    english = widget_texts()["en"]
    for texts in widget_texts().values():
        assert texts.keys() == english.keys()
        assert {name for name in texts if "{n}" in texts[name]} == {name for name in english if "{n}" in english[name]}


def test_the_public_pages_name_no_page_of_the_staff(client: FlaskClient) -> None:
    """Whoever chats learns nothing of a desk or a login."""
    for path in ("/", "/demo", "/widget.js"):
        assert not re.search(r"/desk|/login|log ?in", client.get(path).text, re.IGNORECASE), path


def test_listed_sites_may_frame_the_chat_page_alone(
    settings: Settings, live: LiveMatcher, client: FlaskClient, open_client: FlaskClient
) -> None:
    """The allowed origins, or those of the setting; pages of the staff nobody."""
    framing = settings.model_copy(update={"allowed_origins": (SHOP,), "frame_ancestors": ("https://*.b.example",)})

    assert ancestors(client, "/") == "'none'"
    assert ancestors(open_client, "/") == SHOP
    assert ancestors(create_app(framing, live=live).test_client(), "/") == "https://*.b.example"
    assert {ancestors(open_client, path) for path in ("/login", "/desk", "/demo", "/nowhere")} == {"'none'"}


@pytest.mark.parametrize(
    "value", ["https://a.example; script-src *", "a.example", "*", "'self'", "https://a.example/x"]
)
def test_what_is_no_origin_may_not_frame(value: str) -> None:
    """It would end up in a header that says what scripts may run."""
    with pytest.raises(BadInputError, match=r"HELPDESK_FRAME_ANCESTORS=.*expected"):
        load_settings(home=Path("/nowhere"), frame_ancestors=value)


def test_the_guide_lists_every_attribute_and_variable() -> None:
    """What the script reads of its tag and of the page."""
    guide, script = GUIDE.read_text(), widget_script().decode()
    read = re.findall(r"dataset\.(\w+)", script)
    attributes = {"data-" + re.sub("[A-Z]", lambda found: f"-{found[0].lower()}", name) for name in read}

    drawn = {"data-helpful", "data-decision"}
    assert set(re.findall(r"`(data-[\w-]+)`", guide)) == (attributes | {"data-texts", "data-title"}) - drawn
    assert set(re.findall(r"`(--[\w-]+)`", guide)) == set(re.findall(r"var\((--helpdesk-[\w-]+)", script))


def test_the_demo_shows_the_line_to_paste(app: Flask) -> None:
    """With the address that it was asked by."""
    page = app.test_client().get("/demo", base_url="https://help.example")

    assert json.dumps("https://help.example/widget.js")[1:-1] in page.text
