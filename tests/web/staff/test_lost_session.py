"""A session that ends while somebody labels: the form comes back after the login, and nobody else sends it."""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from clients import ask, card, log_in, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD, STAFF
from sqlalchemy import select

from helpdesk.records import faq, staff
from helpdesk.records.database import Database
from helpdesk.records.roles import Role
from helpdesk.records.tables import Label

LONG = "Write to <facilities>.\n" + "Then “wait”. " * 1000
Lose = Callable[[FlaskClient], object]


def log_out_elsewhere(app: Flask) -> Lose:
    """Ends the session in another browser, which ends all of them."""

    def lose(client: FlaskClient) -> None:
        other = app.test_client()
        log_in(other)
        assert post(other, "/logout").status_code == 303

    return lose


@pytest.fixture(params=["logged out elsewhere", "cookie gone"])
def lose(request: pytest.FixtureRequest, app: Flask) -> Lose:
    """Ways to lose a session."""
    if request.param == "cookie gone":
        return lambda client: client.delete_cookie("session")
    return log_out_elsewhere(app)


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of a page's last form that has a token."""
    fields = re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', page)
    return {name: unescape(value) for name, value in fields}


def stored(records: Database) -> int:
    """How many labels there are."""
    with records.read() as session:
        return len(session.scalars(select(Label)).all())


def test_a_label_is_offered_again_after_the_login(ann: FlaskClient, lose: Lose, records: Database) -> None:
    """A wrong password in between changes nothing; nothing is stored before the button is pressed."""
    (message_id,) = ask(ann, "what is the capital of peru")
    form = card(ann, message_id) | {"label": "intent:vpn"}
    lose(ann)
    page = ann.post(f"/desk/{message_id}/label?kind=fallback", data=form)
    assert page.status_code == 401
    assert "What you typed is kept" in page.text
    page = ann.post("/login", data=hidden(page.text) | {"name": STAFF, "password": "wrong"})
    assert page.status_code == 401
    page = ann.post("/login", data=hidden(page.text) | {"name": STAFF, "password": PASSWORD})
    assert page.status_code == 200
    assert "what is the capital of peru" in page.text
    assert "Label it as “Why does the VPN not connect?”" in page.text
    assert stored(records) == 0

    sent = ann.post(f"/desk/{message_id}/label?kind=fallback", data=hidden(page.text))
    assert sent.headers["Location"] == "/desk?kind=fallback"
    assert stored(records) == 1


def test_a_long_answer_is_there_again_after_the_login(ann: FlaskClient, lose: Lose, records: Database) -> None:
    """To the letter, and no cookie grows by it."""
    (message_id,) = ask(ann, "the coffee machine is broken")
    form = card(ann, message_id) | {"question": "Coffee “machine” broken?", "answer": LONG}
    lose(ann)
    page = ann.post(f"/desk/{message_id}/faq", data=form)
    page = ann.post("/login", data=hidden(page.text) | {"name": STAFF, "password": PASSWORD})
    assert all(len(cookie) < 4096 for cookie in page.headers.getlist("Set-Cookie"))
    question = re.search(r'name="question" value="([^"]*)"', page.text)
    answer = re.search(r"<textarea [^>]*>\n(.*)</textarea>", page.text, re.DOTALL)
    assert question
    assert answer
    typed = {"question": unescape(question[1]), "answer": unescape(answer[1])}
    assert typed == {"question": "Coffee “machine” broken?", "answer": LONG}

    assert ann.post(f"/desk/{message_id}/faq", data=hidden(page.text) | typed).status_code == 303
    with records.read() as session:
        assert faq.find_intent(session, "coffee_machine_broken").answer == LONG.strip()


def test_a_form_from_before_the_login_is_shown_again(ann: FlaskClient, records: Database) -> None:
    """Another window logged in meanwhile, so its token is old."""
    (message_id,) = ask(ann, "what is the capital of peru")
    form = card(ann, message_id) | {"label": "skip"}
    ann.delete_cookie("session")
    log_in(ann)
    page = ann.post(f"/desk/{message_id}/label", data=form)

    assert page.status_code == 400
    assert "Label it as put off" in page.text
    assert stored(records) == 0
    assert ann.post(f"/desk/{message_id}/label", data=hidden(page.text)).status_code == 303


def test_what_another_site_sends_is_not_carried(client: FlaskClient) -> None:
    """A form that somebody else made is refused as ever."""
    for origin, status in (("https://evil.example", 400), ("https://localhost:8443", 401)):
        page = client.post("/desk/1/label", data={"label": "skip"}, headers={"Origin": origin})
        assert page.status_code == status
        assert ("again-" in page.text) == (status == 401)


@pytest.mark.parametrize(
    "path", ["/logout", "/desk/golden/1/remove", "/desk/labels/1/undo", "/nothing", "https://evil.example/"]
)
def test_only_forms_in_which_something_is_typed_are_carried(client: FlaskClient, path: str) -> None:
    """Whatever a login form says, it leads to nothing else."""
    fields = {"csrf_token": token(client), "again": path, "name": STAFF, "password": PASSWORD}

    assert client.post("/login", data=fields).headers["Location"] == "/desk"


@pytest.mark.parametrize(
    ("referrer", "target"),
    [
        ("http://localhost/desk/mine?before=9", "/desk/mine?before=9"),
        ("http://localhost/desk/labels/1/undo", "/desk"),
        ("https://evil.example/desk/mine", "/desk"),
        ("", "/desk"),
    ],
)
def test_other_forms_lead_back_to_their_page(client: FlaskClient, referrer: str, target: str) -> None:
    """Never to an address that only takes forms."""
    page = client.post("/desk/labels/1/undo", data={"csrf_token": token(client)}, headers={"Referer": referrer})

    assert page.status_code == 302
    assert parse_qs(urlsplit(page.headers["Location"]).query) == {"next": [target]}


def test_the_filters_outlive_the_session(ann: FlaskClient, lose: Lose) -> None:
    """After the login the form still belongs to the part of the queue that it was on."""
    (message_id,) = ask(ann, "what is the capital of peru")
    form = card(ann, message_id) | {"label": "intent:vpn"}
    lose(ann)
    page = ann.post(f"/desk/{message_id}/label?kind=fallback&text=capital&sort=newest", data=form).text
    again = ann.post("/login", data=hidden(page) | {"name": STAFF, "password": PASSWORD}).text
    action = unescape(re.findall(r'action="(/desk/\d+/label[^"]*)"', again)[0])
    assert parse_qs(urlsplit(action).query) == {"kind": ["fallback"], "text": ["capital"], "sort": ["newest"]}
    onward = ann.post(action, data=hidden(again)).headers["Location"]
    assert parse_qs(urlsplit(onward).query) == {"kind": ["fallback"], "text": ["capital"], "sort": ["newest"]}


def test_a_note_of_somebody_who_is_a_viewer_now_is_not_lost(ann: FlaskClient, records: Database) -> None:
    """It is shown with a refusal, after the login and when it is sent in a session that goes on."""
    (message_id,) = ask(ann, "what is the capital of peru")
    form = card(ann, message_id) | {"label": "flag", "note": "legal must see this"}
    with records.write() as session:
        staff.add_staff(session, "vic", password=PASSWORD, role=Role.VIEWER)
    ann.delete_cookie("session")
    page = ann.post(f"/desk/{message_id}/label", data=form).text
    again = ann.post("/login", data=hidden(page) | {"name": "vic", "password": PASSWORD})
    assert again.status_code == 403
    assert "vic is a viewer now, who may not send this" in again.text
    assert 'value="legal must see this"' in again.text
    assert "Label it as" not in again.text
    later = ann.post(f"/desk/{message_id}/label", data=hidden(again.text) | {"note": "legal must see this"})
    assert later.status_code == 403
    assert 'value="legal must see this"' in later.text
    assert "This needs the role labeller" in unescape(later.text)
    assert stored(records) == 0
