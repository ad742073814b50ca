"""The login as an attacker meets it: links that lead away, cookies planted beforehand, guesses."""

from urllib.parse import quote

import pytest
from clients import log_in, post, token
from flask import Flask
from flask.testing import FlaskClient


@pytest.mark.parametrize(
    ("wanted", "target"),
    [
        ("/desk?kind=clarify", "/desk?kind=clarify"),
        ("//evil.example", "/desk"),
        ("/\\evil.example", "/desk"),
        ("/\t/evil.example", "/desk"),
        ("\\\\evil.example", "/desk"),
        ("https://evil.example", "/desk"),
        ("evil.example", "/desk"),
        ("/desk/mine?before=7", "/desk/mine?before=7"),
        ("/desk/5/label", "/desk"),
        ("/logout", "/desk"),
        ("/nothing", "/desk"),
    ],
)
def test_the_login_leads_only_to_our_own_pages(client: FlaskClient, wanted: str, target: str) -> None:
    """A crafted link cannot send staff elsewhere, however a browser reads it; nor to what only forms reach."""
    assert log_in(client, path=f"/login?next={quote(wanted)}").headers["Location"] == target


def test_nothing_of_the_session_before_the_login_is_left(client: FlaskClient) -> None:
    """Whoever planted a cookie in the browser knows nothing of the session that begins."""
    before = token(client)
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    assert log_in(client).status_code == 303
    with client.session_transaction() as session:
        assert "planted" not in session
    client.get("/desk")

    assert client.post("/logout", data={"csrf_token": before}).status_code == 400


def test_guessing_is_stopped(client: FlaskClient) -> None:
    """After ten failures even the right password has to wait."""
    for _ in range(10):
        log_in(client, "wrong password")

    assert log_in(client).status_code == 429


def test_a_wrong_password_is_refused(client: FlaskClient) -> None:
    """And says no more than that."""
    response = log_in(client, "wrong password")

    assert response.status_code == 401
    assert "Name or password is wrong" in response.text


def test_logging_out_ends_the_cookie(app: Flask, client: FlaskClient) -> None:
    """A copied cookie is worthless afterwards."""
    assert log_in(client).status_code == 303
    cookie = client.get_cookie("session")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("session", cookie.value)
    assert thief.get("/desk").status_code == 200

    assert post(client, "/logout").status_code == 303
    assert thief.get("/desk").status_code == 302
