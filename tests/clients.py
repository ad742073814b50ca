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


def log_in(client: FlaskClient, password: str = PASSWORD, path: str = "/login") -> TestResponse:
    """Send the login form."""
    return client.post(path, data={"csrf_token": token(client), "name": STAFF, "password": password})


def ask(client: FlaskClient, *texts: str) -> list[int]:
    """Messages from a chat; their ids."""
    ids = []
    for text in texts:
        answer: Any = client.post("/webhooks/rest/webhook", json={"sender": "u", "message": text}).json
        ids.append(answer[0]["custom"]["message_id"])
    return ids


def draw(records: Database) -> None:
    """Put every message into the audit sample."""
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=0.5))
