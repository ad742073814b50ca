"""The login as an attacker meets it: links that lead away, cookies planted beforehand or taken, guesses."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from clients import log_in, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD, STAFF
from jinja2 import FileSystemBytecodeCache
from werkzeug.test import TestResponse

from helpdesk.app import create_app
from helpdesk.records import logins
from helpdesk.records.clock import now, simulated_time
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings


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
        ("/desk\r\nSet-Cookie: a=b", "/desk"),
        ("/desk?kind=clarify\nLocation: //evil.example", "/desk"),
        ("\r\n//evil.example", "/desk"),
        ("/desk?a=\x1b[2J\u2028\u0085", "/desk"),
        ("//[", "/desk"),
        ("/desk/5/label", "/desk"),
        ("/logout", "/desk"),
        ("/nothing", "/desk"),
    ],
)
def test_the_login_leads_only_to_our_own_pages(client: FlaskClient, wanted: str, target: str) -> None:
    """A crafted link cannot send staff elsewhere, however a browser reads it; nor to what only forms reach."""
    assert log_in(client, path=f"/login?next={quote(wanted)}").headers["Location"] == target


def test_what_is_no_address_leads_nowhere(client: FlaskClient) -> None:
    """A page that another one led to, and the form that a login carries."""
    form = {"csrf_token": token(client), "name": STAFF, "password": PASSWORD, "again": "//["}

    assert client.post("/logout", headers={"Referer": "http://["}).status_code == 400
    assert client.post("/login", data=form).headers["Location"] == "/desk"


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


def test_a_login_that_nobody_uses_ends(client: FlaskClient) -> None:
    """Used once every seven hours it goes on, until a day is over; what pages send by themselves is no use of it."""
    by_itself = {"Sec-Fetch-Mode": "cors"}
    with simulated_time() as clock:
        assert log_in(client).status_code == 303
        for _ in range(3):
            clock.set(now() + timedelta(hours=7))
            assert client.get("/desk").status_code == 200
        clock.set(now() + timedelta(hours=4))
        assert client.get("/desk").headers["Location"].startswith("/login"), "a day after it began"

        assert log_in(client).status_code == 303
        clock.set(now() + timedelta(hours=5))
        assert client.get("/desk", headers=by_itself).status_code == 200
        clock.set(now() + timedelta(hours=5))
        assert client.get("/desk").headers["Location"].startswith("/login"), "ten hours without a use"


def test_a_copied_cookie_ends_with_its_login(app: Flask, client: FlaskClient) -> None:
    """Whoever took it gains no hour by it, whatever its owner does meanwhile."""
    with simulated_time() as clock:
        assert log_in(client).status_code == 303
        cookie = client.get_cookie("session")
        assert cookie is not None
        thief = app.test_client()
        thief.set_cookie("session", cookie.value)
        clock.set(now() + timedelta(hours=7))
        assert client.get("/desk").status_code == 200
        clock.set(now() + timedelta(hours=7))

        assert client.get("/desk").status_code == 200
        assert thief.get("/desk").headers["Location"].startswith("/login")


@pytest.mark.parametrize("https_only", [False, True])
def test_the_cookie_is_for_our_pages_alone(settings: Settings, live: LiveMatcher, https_only: bool) -> None:
    """No script reads it, no other site's form sends it; behind TLS it is bound to the host."""
    client = create_app(settings.model_copy(update={"https_only": https_only}), live=live).test_client()
    _, _, flags = client.get("/login").headers["Set-Cookie"].partition("; ")

    assert set(flags.split("; ")) == {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if https_only else set())
    assert (client.get_cookie("__Host-session") is not None) is https_only


def test_a_name_that_is_guessed_from_everywhere_is_slowed_down(
    settings: Settings, live: LiveMatcher, compiled: FileSystemBytecodeCache
) -> None:
    """By two processes from many addresses; its person gets in where they were before, and others get in anywhere."""
    proxied = settings.model_copy(update={"trusted_proxies": 1})
    processes = [create_app(proxied, live=live) for _ in range(2)]
    for process in processes:
        process.jinja_env.bytecode_cache = compiled
    browsers = [process.test_client() for process in processes]
    forms = [token(browser) for browser in browsers]

    def guess(number: int, address: str, password: str = "guess", name: str = STAFF) -> TestResponse:
        data = {"csrf_token": forms[number % 2], "name": name, "password": password}
        return browsers[number % 2].post("/login", data=data, headers={"X-Forwarded-For": address})

    home, nowhere = "203.0.113.7", "192.0.2.1"
    assert guess(0, home, PASSWORD).status_code == 303
    forms[0] = token(browsers[0], "/desk/account")
    said = [guess(number, f"198.51.100.{number}").status_code for number in range(logins.FREE_ANYWHERE + 8)]

    assert said == [401] * logins.FREE_ANYWHERE + [429] * 8
    assert guess(0, nowhere, PASSWORD).status_code == 429, "or the guess that is right would get through"
    assert guess(1, nowhere, name="bob").status_code == 401
    assert guess(1, home, PASSWORD).status_code == 303


def test_addresses_of_one_network_are_one(client: FlaskClient) -> None:
    """Of IPv6 one customer has a whole /64."""
    data = {"csrf_token": token(client), "name": STAFF, "password": "guess"}
    said = [
        client.post("/login", data=data, environ_base={"REMOTE_ADDR": f"2001:db8::{number}"}).status_code
        for number in range(logins.FREE_BY_NAME + 1)
    ]

    assert said == [401] * logins.FREE_BY_NAME + [429]
