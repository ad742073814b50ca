"""Managing people, one's account and the log of changes, by HTTP as a browser without JavaScript would."""

import re

import pytest
from clients import log_in, post, token
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD
from sqlalchemy import select, update

from helpdesk.records import audit_log, card_leases, people, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.roles import Role
from helpdesk.records.tables import CardLease, OneTimeLink, Staff
from helpdesk.web.staff.browsers import browser_name

PAGE = "/desk/people"
ACCOUNT = "/desk/account"
NEW = "another long one"


@pytest.fixture
def ann(app: Flask, records: Database) -> FlaskClient:
    """An admin who is logged in."""
    client = app.test_client()
    assert log_in(client).status_code == 303
    return client


@pytest.fixture
def bob(app: Flask, records: Database) -> FlaskClient:
    """Somebody who labels and is logged in."""
    with records.write() as session:
        staff.add_staff(session, "bob", password=PASSWORD)
    client = app.test_client()
    assert log_in(client, name="bob").status_code == 303
    return client


def act(client: FlaskClient, records: Database, name: str, what: str, **fields: str) -> int:
    """Press a button beside somebody; the status."""
    with records.read() as session:
        number = staff.find_staff(session, name).id
    return post(client, f"{PAGE}/{number}/{what}", PAGE, **fields).status_code


def link_of(page: str) -> str:
    """The path of the link that a page shows."""
    found = re.search(r'value="http://localhost(/invite/[^"]+)"', page)
    assert found
    return found[1]


def test_somebody_is_invited_and_joins(ann: FlaskClient, app: Flask, records: Database) -> None:
    """The link is shown once; an easy password and a taken name can be mended, and the link then works no more."""
    made = post(ann, f"{PAGE}/invite", PAGE, name="cat", role="viewer")
    path, cat = link_of(made.text), app.test_client()
    assert "Invited, not here yet" in ann.get(PAGE).text
    assert path not in ann.get(PAGE).text
    assert "invites you as <b>viewer</b>" in cat.get(path).text
    easy = post(cat, path, path, name="cat", password="password1234", repeated="password1234")
    taken = post(cat, path, path, name="Ann", password=NEW, repeated=NEW)
    other = post(cat, path, path, name="cat", password=NEW, repeated=NEW + "x")
    assert (easy.status_code, taken.status_code, other.status_code) == (400, 409, 400)
    assert "very common password" in easy.text
    assert 'value="Ann"' in taken.text
    joined = post(cat, path, path, name="cat", password=NEW, repeated=NEW)

    assert joined.headers["Location"] == "/desk/report"
    assert cat.get("/desk/report").status_code == 200
    late = app.test_client().get(path)
    assert late.status_code == 404
    assert "This link was used" in late.text
    assert log_in(app.test_client(), NEW, name="cat").headers["Location"] == "/desk/report"


def test_an_invitation_sent_twice_is_one(ann: FlaskClient, app: Flask, records: Database) -> None:
    """The second link works, the first one does not; withdrawn, none does."""
    first, second = (link_of(post(ann, f"{PAGE}/invite", PAGE, name="cat", role="viewer").text) for _ in range(2))
    with records.read() as session:
        (number,) = session.scalars(select(OneTimeLink.id))
    assert [app.test_client().get(path).status_code for path in (first, second)] == [404, 200]
    assert post(ann, f"{PAGE}/links/{number}/withdraw", PAGE).status_code == 303
    assert app.test_client().get(second).status_code == 404


@pytest.mark.parametrize(("name", "role", "status"), [("", "viewer", 400), ("ANN", "viewer", 409), ("x", "boss", 400)])
def test_a_bad_invitation_is_explained(ann: FlaskClient, name: str, role: str, status: int) -> None:
    """And makes no link."""
    said = post(ann, f"{PAGE}/invite", PAGE, name=name, role=role)

    assert said.status_code == status
    assert "/invite/" not in said.text.replace(f"{PAGE}/invite", "")


def test_rights_are_gone_with_the_next_request(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """Of a session that is open: demoted they read on, disabled they are out and their card is free."""
    assert bob.get("/desk").status_code == 200
    form = token(bob, ACCOUNT)
    assert act(ann, records, "bob", "role", role="viewer", seen="labeller") == 303
    assert bob.get("/desk").status_code == 403
    assert bob.post("/desk/1/label", data={"csrf_token": form, "label": "skip", "seen": "0"}).status_code == 403
    assert bob.get("/desk/report").status_code == 200
    assert act(ann, records, "bob", "disable") == 303
    assert bob.get("/desk/report").headers["Location"].startswith("/login")
    assert log_in(bob, name="bob").status_code == 401
    assert act(ann, records, "bob", "enable") == 303
    assert log_in(bob, name="bob").status_code == 303


def test_what_cannot_be_is_a_conflict(ann: FlaskClient, bob: FlaskClient, records: Database) -> None:
    """Shown above the list as it is: a role that was changed meanwhile, and oneself."""
    with records.write() as session:
        people.set_role(session, "bob", Role.ADMIN, author="command line")
    assert act(ann, records, "bob", "role", role="viewer", seen="labeller") == 409
    assert act(ann, records, "ann", "role", role="viewer", seen="admin") == 409
    assert act(ann, records, "ann", "disable") == 409
    assert act(bob, records, "ann", "role", role="viewer", seen="admin") == 303
    assert ann.get(PAGE).status_code == 403
    assert post(bob, f"{PAGE}/99/disable", PAGE).status_code == 404


def test_a_forgotten_password_is_set_by_link(ann: FlaskClient, bob: FlaskClient, app: Flask, records: Database) -> None:
    """Nobody learns it but its owner; who was logged in with the old one is out."""
    with records.read() as session:
        number = staff.find_staff(session, "bob").id
    path = link_of(post(ann, f"{PAGE}/{number}/reset", PAGE).text)
    assert bob.get(ACCOUNT).status_code == 200
    browser = app.test_client()
    assert post(browser, path, path, password=NEW, repeated=NEW).headers["Location"] == "/desk"
    assert bob.get(ACCOUNT).status_code == 302
    assert log_in(app.test_client(), NEW, name="bob").status_code == 303


@pytest.mark.parametrize(
    ("role", "target", "seen"),
    [
        (Role.VIEWER, "/desk/report", ["/desk/report", "/desk/golden"]),
        (Role.LABELLER, "/desk", ["/desk", "/desk/report", "/desk/golden"]),
        (Role.ADMIN, "/desk", ["/desk", "/desk/report", "/desk/golden", "/desk/people"]),
    ],
)
def test_a_role_lands_and_sees_where_it_may(
    app: Flask, records: Database, role: Role, target: str, seen: list[str]
) -> None:
    """Also when the login was asked for by a page that the role may not see."""
    with records.write() as session:
        session.execute(update(Staff).values(role=role))
    client = app.test_client()
    assert log_in(client, path="/login?next=/desk").headers["Location"] == target
    page = client.get("/desk/golden").text
    nav = re.findall(r'<a href="([^"]+)"', page.split("<nav")[1].split("</nav>")[0])

    assert [path for path in seen if path not in nav] == []
    assert not {"/desk", "/desk/people"} - set(seen) & set(nav)
    assert ('<h2 id="more">' in page) == role.may(Role.EDITOR)
    assert all(client.get(path).status_code == 200 for path in seen)


def test_ones_own_password_is_changed(ann: FlaskClient, app: Flask) -> None:
    """By whoever knows the current one; this browser stays in, others are out."""
    other = app.test_client()
    log_in(other)
    for current, new, repeated, said in [
        ("wrong", NEW, NEW, "The current password is wrong"),
        (PASSWORD, NEW, "x", "The two passwords are not the same"),
        (PASSWORD, "annannannann", "annannannann", "easy to guess"),
    ]:
        fields = {"current": current, "password": new, "repeated": repeated}
        refused = post(ann, f"{ACCOUNT}/password", ACCOUNT, **fields)
        assert refused.status_code == 400
        assert said in refused.text
    done = post(ann, f"{ACCOUNT}/password", ACCOUNT, current=PASSWORD, password=NEW, repeated=NEW)

    assert done.status_code == 303
    assert ann.get(ACCOUNT).status_code == 200
    assert other.get(ACCOUNT).status_code == 302
    assert log_in(app.test_client(), NEW).status_code == 303


def test_guessing_the_current_password_is_stopped(ann: FlaskClient) -> None:
    """A browser that was left open is no way around the login."""
    fields = {"password": NEW, "repeated": NEW}
    for _ in range(5):
        post(ann, f"{ACCOUNT}/password", ACCOUNT, current="guess", **fields)

    assert post(ann, f"{ACCOUNT}/password", ACCOUNT, current=PASSWORD, **fields).status_code == 429


def test_sign_ins_are_listed_and_others_logged_out(ann: FlaskClient, app: Flask) -> None:
    """This browser stays."""
    other = app.test_client()
    other.post(
        "/login",
        data={"csrf_token": token(other), "name": "ann", "password": PASSWORD},
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
    )
    page = ann.get(ACCOUNT).text
    assert "Firefox on Linux" in page
    assert "127.0.0.1" in page
    assert post(ann, f"{ACCOUNT}/sessions", ACCOUNT).status_code == 303
    assert ann.get(ACCOUNT).status_code == 200
    assert other.get(ACCOUNT).status_code == 302


def test_logging_out_frees_the_card(bob: FlaskClient, records: Database) -> None:
    """The next person gets it at once."""
    with records.write() as session:
        number = staff.find_staff(session, "bob").id
        session.add(CardLease(token="t", text_key="k", staff_id=number, until=now() + card_leases.LEASE))
    assert post(bob, "/logout", ACCOUNT).status_code == 303
    with records.read() as session:
        assert session.scalars(select(CardLease)).all() == []


def test_the_log_is_filtered_and_downloaded(ann: FlaskClient, records: Database) -> None:
    """By person and kind; a spreadsheet takes nothing in it for a formula."""
    post(ann, "/desk/golden", "/desk/golden", text="=HYPERLINK(1) <b>my</b> phone", promise="never")
    post(ann, "/desk/golden/1/remove", "/desk/golden")
    with records.write() as session:
        for number in range(100):
            audit_log.note(session, "faq.edited", author="eve", subject=f"entry {number}", before=1)
    page = ann.get(f"{PAGE}/log?kind=golden&author=ann").text
    assert page.count("<tr>") == 3
    assert "&lt;b&gt;my&lt;/b&gt;" in page
    older = re.search(r'href="([^"]+before=\d+)"', ann.get(f"{PAGE}/log").text)
    assert older
    assert "signed in" in ann.get(older[1].replace("&amp;", "&")).text
    lines = ann.get(f"{PAGE}/log.csv?kind=golden").text.splitlines()
    assert lines[0] == "\ufeffat,author,action,subject,details"
    assert [line.split(",")[2] for line in lines[1:]] == ["golden.removed", "golden.added"]
    assert ",'=HYPERLINK(1)" in lines[1]
    assert ann.get(f"{PAGE}/log?kind=nothing").status_code == 400


def test_pages_need_neither_script_nor_inline_style(ann: FlaskClient) -> None:
    """Nor does a link that is shown."""
    made = post(ann, f"{PAGE}/invite", PAGE, name="cat", role="viewer").text
    for page in (made, ann.get(ACCOUNT).text, ann.get(f"{PAGE}/log").text, ann.get(link_of(made)).text):
        assert "style=" not in page
        assert "<script>" not in page


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("curl/8.5", "curl/8.5"),
        ("", "unknown"),
    ],
)
def test_browsers_have_names(said: str, shown: str) -> None:
    """Whatever else they want to be taken for."""
    assert browser_name(said) == shown
