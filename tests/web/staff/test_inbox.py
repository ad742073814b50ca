"""The inbox: what waits, who has it, what is replied, and what the customer's page gets of it."""

import re
from pathlib import Path
from typing import Any

import pytest
from clients import ask, log_in, post
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD, copy_home
from sqlalchemy import select, update

from helpdesk.records import faq, inbox
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseReply, CaseRow, Staff
from helpdesk.settings import Settings

HUMAN = "human please"


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A home whose staff look into the inbox."""
    return copy_home(tiny_home, tmp_path, base_model=str(tiny_base), inbox=True)


def send(client: FlaskClient, sender: str, text: str) -> dict[str, Any]:
    """One message through the API."""
    answer: Any = client.post("/api/v1/messages", json={"session_id": sender, "text": text}).json
    return dict(answer)


def updates(client: FlaskClient, sender: str, after: int = 0, **headers: str) -> Any:
    """What the customer's page gets."""
    return client.get(f"/api/v1/sessions/{sender}/updates?after={after}", headers=headers)


def fields(client: FlaskClient, case: int) -> dict[str, str]:
    """The hidden fields of a case's forms."""
    return dict(re.findall(r'name="(csrf_token|token|seen)" value="([^"]+)"', client.get(f"/desk/inbox/{case}").text))


def test_a_case_from_the_question_to_its_end(app: Flask, ann: FlaskClient) -> None:
    """Handed over, taken, answered exactly once, closed; then the bot answers again."""
    visitor = app.test_client()
    assert send(visitor, "eve", HUMAN)["decision"] == "handoff"
    assert updates(visitor, "eve").json == {"updates": [], "state": "waiting"}
    assert HUMAN in ann.get("/desk/inbox").text

    assert post(ann, "/desk/inbox/1/take", "/desk/inbox/1", holder="").status_code == 303
    assert send(visitor, "eve", "forgot my password")["decision"] == "person"
    form = fields(ann, 1) | {"text": "Hello <b>Eve</b>!\nHow can I help?", "do": "send"}
    for _ in range(2):
        assert ann.post("/desk/inbox/1/reply", data=form).status_code == 303
    found = updates(visitor, "eve").json
    assert found["state"] == "person"
    (reply,) = found["updates"]
    assert reply["text"] == "Hello <b>Eve</b>!\nHow can I help?"
    assert "author" not in reply, "a login name is half of a login"
    assert reply["html"] == "<p>Hello &lt;b&gt;Eve&lt;/b&gt;!<br>\nHow can I help?</p>"
    assert updates(visitor, "eve", reply["id"]).json == {"updates": [], "state": "person"}
    assert updates(visitor, "someone").json == {"updates": [], "state": "bot"}

    assert post(ann, "/desk/inbox/1/close", "/desk/inbox/1", seen=fields(ann, 1)["seen"]).status_code == 303
    assert updates(visitor, "eve", reply["id"]).json == {"updates": [], "state": "bot"}
    assert send(visitor, "eve", "forgot my password")["messages"][0]["text"] == "Open the self-service page."
    page = ann.get("/desk/conversations/1").text
    assert "asked for a person" in page
    assert "ann closed it" in page
    assert "How can I help?" in page
    assert "Nobody waits." in ann.get("/desk/inbox").text


def test_a_reply_is_the_same_markup_as_answers(app: Flask, ann: FlaskClient) -> None:
    """Sanitised HTML and text for the customer; the transcript shows what they see."""
    visitor = app.test_client()
    send(visitor, "eve", HUMAN)
    typed = "Look at **this**:\n\n- [our page](https://example.org/)\n- [not](javascript:alert(1))"
    ann.post("/desk/inbox/1/reply", data=fields(ann, 1) | {"text": typed, "do": "send"})
    (reply,) = updates(visitor, "eve").json["updates"]

    assert reply["text"].startswith("Look at this:\n\n- our page (https://example.org/)")
    link = '<a href="https://example.org/" target="_blank" rel="noopener nofollow">our page</a>'
    assert "<strong>this</strong>" in reply["html"]
    assert link in reply["html"]
    assert 'href="javascript' not in reply["html"]
    assert link in ann.get("/desk/inbox/1").text


def rows_of(client: FlaskClient) -> list[str]:
    """The inbox, a line of text for each case."""
    table = client.get("/desk/inbox").text.partition("<tbody>")[2]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in table.split("</tr>")[:-1]]


def test_the_inbox_shows_what_led_to_a_case_and_what_is_new(app: Flask, ann: FlaskClient, records: Database) -> None:
    """Whoever waits longest first, what was answered last; messages after a reply are counted until the next one."""
    visitor = app.test_client()
    for sender in ("eve", "joe"):
        send(visitor, sender, "what is the capital of peru")
        send(visitor, sender, "who won the match")
        send(visitor, sender, "asdf qwer")
    assert [row.partition(" Newest: ")[0] for row in rows_of(ann)] == ["who won the match"] * 2
    assert "Newest: asdf qwer eve on api" in rows_of(ann)[0]

    ann.post("/desk/inbox/1/reply", data=fields(ann, 1) | {"text": "Nobody.", "do": "send"})
    assert "<title>(1) Inbox" in ann.get("/desk/inbox").text
    assert [row.split()[-1] for row in rows_of(ann)] == ["nobody", "ann"]
    assert "answered ann" in rows_of(ann)[1]
    for text in ("really?", "are you sure?"):
        send(visitor, "eve", text)
    assert rows_of(ann)[1].endswith("ann 2 new")
    assert "<title>(2 new) Case 1" in ann.get("/desk/inbox/1").text
    ann.post("/desk/inbox/1/reply", data=fields(ann, 1) | {"text": "Yes.", "do": "send"})
    assert rows_of(ann)[1].endswith("answered ann")


def test_a_thumb_that_was_taken_back_is_in_the_transcript(app: Flask, ann: FlaskClient) -> None:
    """Of a case that somebody has taken; a promise that cannot be kept is none on the customer's page either."""
    visitor = app.test_client()
    message = send(visitor, "eve", "forgot my password")["message_id"]
    thumb = f"/api/v1/messages/{message}/feedback"
    assert visitor.post(thumb, json={"session_id": "eve", "helpful": False}).json["handed_over"]  # type: ignore[index]
    post(ann, "/desk/inbox/1/take", "/desk/inbox/1", holder="")
    assert "Not helpful, says the customer" in ann.get("/desk/inbox/1").text
    visitor.post(thumb, json={"session_id": "eve", "helpful": True})
    page = ann.get("/desk/inbox/1").text

    assert "Helpful, says the customer of the answer to: forgot my password" in page
    assert "You have this case." in page


def test_asking_again_for_updates_costs_nothing(app: Flask, records: Database) -> None:
    """The same state is a 304 without a body; a reply, and another state, are not."""
    visitor = app.test_client()
    send(visitor, "a/b c", HUMAN)
    place = "a%2Fb%20c"
    tag = updates(visitor, place).headers["ETag"]
    again = updates(visitor, place, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")

    with records.write() as session:
        inbox.reply_to_case(session, 1, author="ann", text="Hello!", token="0123456789abcdef")
    assert len(updates(visitor, place, **{"If-None-Match": tag}).json["updates"]) == 1


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("after=-1", "after is '-1'"),
        ("after=x", "after is 'x'"),
        ("after=9999999999", "after is"),
        ("channel=A", "channel is"),
    ],
)
def test_bad_questions_for_updates_are_named(client: FlaskClient, query: str, fault: str) -> None:
    """With what was expected."""
    answer = client.get(f"/api/v1/sessions/eve/updates?{query}")

    assert answer.status_code == 400
    assert fault in answer.json["detail"]  # type: ignore[index]


def test_other_channels_are_other_conversations(app: Flask) -> None:
    """The same sender on each."""
    visitor = app.test_client()
    ask(visitor, HUMAN)

    assert visitor.get("/api/v1/sessions/u/updates").json["state"] == "bot"  # type: ignore[index]
    assert visitor.get("/api/v1/sessions/u/updates?channel=rest").json["state"] == "waiting"  # type: ignore[index]


def test_the_second_of_two_people_reads_who_was_first(ann: FlaskClient, bob: FlaskClient) -> None:
    """What they typed stays; they may take it over, and then the first one is told."""
    ask(ann, HUMAN)
    drawn = fields(bob, 1)
    post(ann, "/desk/inbox/1/take", "/desk/inbox/1", holder="")
    late = bob.post("/desk/inbox/1/take", data=drawn | {"holder": ""})
    assert late.status_code == 409
    assert "This case is with ann now; nothing was changed." in late.text
    said = bob.post("/desk/inbox/1/reply", data=drawn | {"text": "A long reply of Bob", "do": "send"})
    assert said.status_code == 409
    assert "A long reply of Bob" in said.text
    assert "This case is with ann; take it over first." in said.text
    assert "Take over from ann" in said.text

    assert post(bob, "/desk/inbox/1/take", "/desk/inbox/1", holder="ann").status_code == 303
    assert post(ann, "/desk/inbox/1/close", "/desk/inbox/1", seen="9").status_code == 409


def test_a_message_that_came_meanwhile_keeps_the_case_open(app: Flask, ann: FlaskClient, records: Database) -> None:
    """The page that says so shows it."""
    visitor = app.test_client()
    send(visitor, "eve", HUMAN)
    drawn = fields(ann, 1)
    post(ann, "/desk/inbox/1/take", "/desk/inbox/1", holder="")
    send(visitor, "eve", "one more thing")
    late = ann.post("/desk/inbox/1/close", data=drawn)
    assert late.status_code == 409
    assert "one more thing" in late.text
    with records.read() as session:
        assert session.scalars(select(CaseRow.state)).all() == ["taken"]


def test_answers_of_the_faq_are_put_into_the_reply(ann: FlaskClient, records: Database) -> None:
    """Best guesses, and what is searched for, below what was typed; nothing is sent before Send."""
    ask(ann, HUMAN, "please connect me to an agent, forgot my password")
    form = fields(ann, 1) | {"text": "Hello!"}
    page = ann.get("/desk/inbox/1").text
    assert "Best guesses" in page
    guessed = ann.post("/desk/inbox/1/reply", data=form | {"do": "insert:printer"}).text
    assert "Hello!\n\nSwitch the printer off and on.</textarea>" in guessed
    searched = ann.post("/desk/inbox/1/reply", data=form | {"do": "search", "q": "office wifi"}).text
    assert 'value="insert:wifi"' in searched
    assert "Hello!</textarea>" in searched
    assert 'value="office wifi"' in searched
    for nothing in ("insert:gone", "search"):
        assert "Hello!</textarea>" in ann.post("/desk/inbox/1/reply", data=form | {"do": nothing}).text
    with records.read() as session:
        assert session.scalars(select(CaseReply)).all() == []


@pytest.mark.parametrize(("text", "status"), [("", 400), ("x" * 5001, 400)])
def test_a_reply_that_cannot_be_sent_is_shown_again(ann: FlaskClient, text: str, status: int) -> None:
    """With the reason."""
    ask(ann, HUMAN)
    answer = ann.post("/desk/inbox/1/reply", data=fields(ann, 1) | {"text": text})

    assert answer.status_code == status
    assert 'role="alert"' in answer.text


def test_a_session_that_ended_keeps_the_reply(ann: FlaskClient) -> None:
    """It is in the form after the login, not sent."""
    ask(ann, HUMAN)
    form = fields(ann, 1) | {"text": "A long reply"}
    ann.delete_cookie("session")
    carried = ann.post("/desk/inbox/1/reply", data=form).text
    assert "A long reply" in carried
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', carried))
    shown = ann.post("/login", data=hidden | {"name": "ann", "password": PASSWORD})
    assert "A long reply" in shown.text
    assert "Nothing was sent" in shown.text


def test_readers_may_not_look_and_do_not_count(app: Flask, records: Database) -> None:
    """Labellers and above may."""
    with records.write() as session:
        session.execute(update(Staff).values(role="viewer"))
    client = app.test_client()
    log_in(client)
    ask(client, HUMAN)

    assert client.get("/desk/inbox").status_code == 403
    assert "/desk/inbox" not in client.get("/desk/report").text


def test_what_waits_is_counted_everywhere(ann: FlaskClient, records: Database) -> None:
    """In the navigation and the metrics; urgent ones are named and come first."""
    with records.write() as session:
        faq.find_intent(session, "vpn").urgent = True
        faq.set_status(session, "laptop", status="draft", author="test")
    ann.application.extensions["helpdesk"].live.refresh()
    send(ann, "a", HUMAN)
    send(ann, "b", "vpn not connecting")
    page = ann.get("/desk/inbox").text
    scraped = ann.get("/metrics").text

    assert '2<span class="hidden"> wait, 1 urgent</span>' in ann.get("/desk/report").text
    assert page.index("vpn not connecting") < page.index(HUMAN)
    assert "helpdesk_cases_open 2.0" in scraped
    assert re.search(r"helpdesk_oldest_open_case_age_seconds \d", scraped)


def test_hostile_texts_are_shown_as_text(ann: FlaskClient) -> None:
    """Of customers and of staff."""
    bad = "human please <script>alert(1)</script>\u202e"
    ask(ann, HUMAN, bad)
    for page in ("/desk/inbox", "/desk/inbox/1"):
        assert "<script>alert" not in ann.get(page).text
        assert "\u202e" not in ann.get(page).text
    assert "&lt;script&gt;" in ann.get("/desk/inbox/1").text


def test_without_a_staffed_inbox_nothing_waits(app: Flask, ann: FlaskClient, settings: Settings) -> None:
    """And the page says why."""
    service = ann.application.extensions["helpdesk"]
    object.__setattr__(service, "settings", settings.model_copy(update={"inbox": False}))
    ask(ann, HUMAN)

    assert "Nothing comes in here unless" in ann.get("/desk/inbox").text
    assert ">Inbox" not in ann.get("/desk").text
    assert ann.get("/desk/inbox/1").status_code == 404


def test_an_entry_is_marked_urgent_in_its_form(ann: FlaskClient, records: Database) -> None:
    """It stays so when the form is sent again, is in the history, and can be taken back."""
    form: dict[str, str] = {
        "question": "Is this mail phishing?",
        "answer": "Do not click.",
        "urgent": "yes",
        "do": "publish",
    }
    assert post(ann, "/desk/faq/new", "/desk/faq/new", **form).status_code == 303
    with records.read() as session:
        entry = faq.find_intent(session, "is_this_mail_phishing")
        assert entry.urgent
    page = ann.get(f"/desk/faq/{entry.id}").text
    assert re.search(r'name="urgent" value="yes"\s+checked', page)
    assert "urgent" in ann.get(f"/desk/faq/{entry.id}/history").text
    seen = re.findall(r'name="seen" value="(\d+)"', page)[0]
    without = {name: value for name, value in form.items() if name not in ("urgent", "do")}
    assert post(ann, f"/desk/faq/{entry.id}", "/desk/faq/new", seen=seen, **without).status_code == 303
    with records.read() as session:
        assert not faq.find_intent(session, "is_this_mail_phishing").urgent
