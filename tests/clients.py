"""A browser without JavaScript: forms with their tokens, and messages from a chat."""

import re
from typing import Any

from flask.testing import FlaskClient
from homes import PASSWORD, STAFF
from sqlalchemy import update
from werkzeug.test import TestResponse

from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow


def token(client: FlaskClient, path: str = "/login") -> str:
    """The CSRF token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def post(client: FlaskClient, path: str, page: str = "/desk", **fields: str) -> TestResponse:
    """Send a form with its token."""
    return client.post(path, data={"csrf_token": token(client, page), **fields})


def card(client: FlaskClient, message_id: int) -> dict[str, str]:
    """The hidden fields of a card's forms: the token, and what the card shows."""
    page = client.get(f"/desk?item={message_id}").text
    return dict(re.findall(r'name="(csrf_token|seen)" value="([^"]+)"', page))


def label(client: FlaskClient, message_id: int, meaning: str, **fields: str) -> TestResponse:
    """Press a key on a message's card; `fields`: of a card that was drawn earlier."""
    return client.post(f"/desk/{message_id}/label", data=card(client, message_id) | {"label": meaning} | fields)


def log_in(client: FlaskClient, password: str = PASSWORD, path: str = "/login", name: str = STAFF) -> TestResponse:
    """Send the login form."""
    return client.post(path, data={"csrf_token": token(client), "name": name, "password": password})


def ask(client: FlaskClient, *texts: str, sender: str = "u") -> list[int]:
    """Messages from a chat; their ids."""
    ids = []
    for text in texts:
        answer: Any = client.post("/webhooks/rest/webhook", json={"sender": sender, "message": text}).json
        ids.append(answer[0]["custom"]["message_id"])
    return ids


def draw(records: Database) -> None:
    """Put every message into the audit sample."""
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=0.5))
