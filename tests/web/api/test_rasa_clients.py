"""What clients of Rasa send is taken as Rasa takes it, and pages of strangers gain nothing by that."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from helpdesk.app import create_app
from helpdesk.records.database import Database
from helpdesk.records.tables import Message
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

WEBHOOK = "/webhooks/rest/webhook"


def send(
    client: FlaskClient, path: str = WEBHOOK, *, content_type: str | None = "application/json", **body: Any
) -> Any:
    """Post a message as a client of Rasa; the reply."""
    raw = json.dumps({"sender": "a", "message": "forgot my password"} | body)
    headers = {} if content_type is None else {"Content-Type": content_type}
    return client.post(path, data=raw, headers=headers)


@pytest.mark.parametrize("path", [WEBHOOK, f"{WEBHOOK}/"])
@pytest.mark.parametrize("content_type", [None, "text/plain", "text/plain;charset=UTF-8", "application/json"])
def test_slash_and_content_type_do_not_matter(client: FlaskClient, path: str, content_type: str | None) -> None:
    """Widgets leave them out, or add them."""
    said = send(client, path, content_type=content_type)

    assert said.status_code == 200
    assert said.json[0]["text"] == "Open the self-service page."


@pytest.mark.parametrize("sender", [17, 17.0, "17"])
def test_a_number_is_a_sender(client: FlaskClient, sender: Any) -> None:
    """The same one as its digits."""
    assert send(client, sender=sender).json[0]["recipient_id"] == "17"


def test_a_number_is_a_message_id(client: FlaskClient, records: Database) -> None:
    """A repeated delivery is one message, whether the id is a number or its digits; another text is a conflict."""
    for given in (5, "5", 5):
        assert send(client, metadata={"message_id": given}).status_code == 200
    other = send(client, message="the vpn is down", metadata={"message_id": 5})

    assert other.status_code == 409
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 1


@pytest.mark.parametrize("number", [-1, 2**63, 1e30])
def test_a_number_that_is_no_id_is_refused(client: FlaskClient, number: float) -> None:
    """By name, with what was expected."""
    said = send(client, sender=number)

    assert said.status_code == 400
    assert "sender is" in said.json["detail"]
    assert "expected text, or a whole number from 0 to" in said.json["detail"]


@pytest.mark.parametrize("locale", ["de", "de-CH", "DE_at"])
def test_short_replies_are_in_the_language_of_the_page(client: FlaskClient, locale: str) -> None:
    """Where the message is a word of no language; a message that tells its language has that one."""
    plain, german = send(client, message="no"), send(client, message="no", metadata={"locale": locale})
    english = send(client, message="thank you very much", metadata={"locale": locale})
    own = client.post("/api/v1/messages", json={"session_id": "s", "text": "no", "locale": locale}).json
    unknown = send(client, message="no", metadata={"locale": "tlh"})

    assert german.json[0]["text"] != plain.json[0]["text"] == unknown.json[0]["text"]
    assert own is not None
    assert own["messages"][0]["text"] == german.json[0]["text"]
    assert english.json[0]["text"] == send(client, message="thank you very much").json[0]["text"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 200),
        ("http://localhost", 200),
        ("https://localhost:8443", 200),
        ("https://shop.example", 200),
        ("https://evil.example", 403),
        ("https://shop.example.evil.example", 403),
        ("null", 403),
        ("http://[", 403),
    ],
)
@pytest.mark.parametrize("content_type", [None, "text/plain"])
def test_pages_of_strangers_post_nothing_without_asking(
    settings: Settings, live: LiveMatcher, records: Database, origin: str | None, status: int, content_type: str | None
) -> None:
    """A browser sends plain text to any site without asking; the page must be ours or an allowed one."""
    allowed = settings.model_copy(update={"allowed_origins": ("https://shop.example",)})
    client = create_app(allowed, live=live).test_client()
    headers = {name: value for name, value in {"Origin": origin, "Content-Type": content_type}.items() if value}

    said = client.post(WEBHOOK, data=b'{"sender": "a", "message": "vpn"}', headers=headers)

    assert said.status_code == status, said.text
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == int(status == 200)
