"""Making and revoking keys on their page, as a browser without JavaScript would."""

import re

import pytest
from clients import log_in, post
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict

from helpdesk.records.database import Database
from helpdesk.records.tables import ApiKey

PAGE = "/desk/api-keys"


def add(client: FlaskClient, **fields: str) -> tuple[int, str]:
    """Send the form; status and page."""
    said = post(client, PAGE, PAGE, **{"name": "shop", "scope": "messages"} | fields)
    return said.status_code, said.text


def shown(page: str) -> str:
    """The key on a page."""
    found = re.search(r'id="key"[^>]* value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_key_is_made_shown_once_and_revoked(ann: FlaskClient, app: Flask) -> None:
    """It works until then; the log of who changed what has both."""
    key = shown(add(ann)[1])
    program, body = app.test_client(), {"session_id": "s", "text": "forgot my password"}

    def use() -> int:
        return program.post("/api/v1/messages", json=body, headers={"Authorization": f"Bearer {key}"}).status_code

    assert use() == 200
    page = ann.get(PAGE).text
    assert key not in page
    assert key[:9] in page
    found = re.search(r'action="(/desk/api-keys/\d+/revoke)"', page)
    assert found
    assert post(ann, found[1], PAGE).status_code == 303
    assert "The key shop does not count any more." in ann.get(PAGE).text
    assert use() == 401
    log = ann.get("/desk/people/log?kind=key").text
    assert "key added" in log
    assert "key revoked" in log


def test_a_repeated_form_makes_no_second_key(ann: FlaskClient, records: Database) -> None:
    """The name is taken, and what was typed is shown again."""
    add(ann)
    status, page = add(ann, days="30")

    assert status == 409
    assert "No key was made: there is a key &#39;shop&#39; already" in page
    assert 'name="days" inputmode="numeric" value="30"' in page
    with records.read() as session:
        assert session.query(ApiKey).count() == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": ""}, "name"),
        ({"scope": "everything"}, "everything; expected some of"),
        ({"scope": "internals", "origins": "https://shop.example"}, "scopes of a site key: internals"),
        ({"origins": "https://shop.example/chat"}, "is no origin"),
        ({"origins": "*"}, "is no origin"),
        ({"days": "soon"}, "days is &#39;soon&#39;"),
        ({"days": "99999999999999999999"}, "expected a whole number"),
        ({"days": "4000"}, "expected 1 to 3,650"),
    ],
)
def test_what_will_not_do_is_said(ann: FlaskClient, records: Database, fields: dict[str, str], words: str) -> None:
    """400, and no key."""
    status, page = add(ann, **fields)

    assert status == 400
    assert words in page
    with records.read() as session:
        assert session.query(ApiKey).count() == 0


def test_a_site_has_several_origins(ann: FlaskClient, records: Database) -> None:
    """Each exactly as browsers write it."""
    from clients import token

    fields = MultiDict(
        {"csrf_token": token(ann, PAGE), "name": "site", "origins": "https://A.example http://b.example:80"}
    )
    fields.setlist("scope", ["feedback", "messages"])

    key = shown(ann.post(PAGE, data=fields).text)

    assert key.startswith("site_")
    with records.read() as session:
        row = session.query(ApiKey).one()
    assert row.origins == ["https://a.example", "http://b.example"]
    assert row.scopes == ["messages", "feedback"]


def test_keys_are_for_admins(bob: FlaskClient, app: Flask) -> None:
    """A labeller neither sees nor makes any."""
    assert bob.get(PAGE).status_code == 403
    assert post(bob, PAGE, "/desk", name="x", scope="messages").status_code == 403
    assert "/desk/api-keys" not in bob.get("/desk").text
    stranger = app.test_client()
    assert stranger.get(PAGE).status_code == 302
    log_in(stranger)
    assert stranger.get(PAGE).status_code == 200
