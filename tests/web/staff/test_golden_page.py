"""The page of golden phrases, by HTTP as a browser without JavaScript would."""

import re

import pytest
from clients import post
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from helpdesk.records import faq, golden
from helpdesk.records.database import Database

PAGE = "/desk/golden"


def add(client: FlaskClient, text: str, promise: str) -> TestResponse:
    """Send the form."""
    return post(client, PAGE, PAGE, text=text, promise=promise)


def promised(records: Database) -> list[tuple[str, str | None]]:
    """(text, intent) of every promise."""
    with records.read() as session:
        return [(phrase.text, phrase.intent) for phrase in golden.read(session)]


def test_promises_are_added_listed_and_removed(ann: FlaskClient, records: Database) -> None:
    """FAQs are named by their question; the page can be reached from every other one."""
    assert 'href="/desk/golden"' in ann.get("/desk").text
    assert add(ann, "VPN is down", "always:vpn").headers["Location"] == PAGE
    add(ann, "what is your <b>salary</b>", "never")
    page = ann.get(PAGE).text

    assert promised(records) == [("VPN is down", "vpn"), ("what is your <b>salary</b>", None)]
    assert "always answered with <b>Why does the VPN not connect?</b>" in page
    assert "what is your &lt;b&gt;salary" in page
    assert "never answered" in page
    assert post(ann, f"{PAGE}/1/remove", PAGE).headers["Location"] == PAGE
    assert promised(records) == [("what is your <b>salary</b>", None)]


def test_a_promise_is_about_what_a_message_becomes(ann: FlaskClient, records: Database) -> None:
    """Messages are redacted before they are matched, phrasings of the FAQ are not."""
    with records.write() as session:
        faq.store_entries(session, [faq.Entry("vpn", phrasings=("call me on 030 1234567",))], author="test")
    add(ann, "my password is LAB1 thanks", "never")
    add(ann, "call me on 030 1234567", "always:vpn")

    assert promised(records) == [("my password is [secret] thanks", None), ("call me on 030 1234567", "vpn")]


def test_a_draft_can_be_chosen_and_is_marked(ann: FlaskClient, records: Database) -> None:
    """Its answer may come later."""
    with records.write() as session:
        faq.set_status(session, "wifi", status="draft", author="test")

    assert "How do I join the office Wi-Fi? (draft)" in ann.get(PAGE).text


@pytest.mark.parametrize(
    ("text", "promise", "status"),
    [
        ("???", "never", 400),
        ("", "never", 400),
        ("x" * 2001, "never", 400),
        ("hello", "", 400),
        ("hello", "sometimes", 400),
        ("hello", "always:nope", 404),
        ("hello", "always:", 404),
        ("VPN is  down!", "never", 409),
    ],
)
def test_bad_forms_are_explained_and_store_nothing(
    ann: FlaskClient, records: Database, text: str, promise: str, status: int
) -> None:
    """A page for people, nothing new in the table."""
    add(ann, "vpn is down", "always:vpn")
    response = add(ann, text, promise)

    assert response.status_code == status
    assert "<h1>" in response.text
    assert promised(records) == [("vpn is down", "vpn")]


def test_a_promise_that_is_gone_cannot_be_removed(ann: FlaskClient) -> None:
    """Somebody else was faster."""
    assert post(ann, f"{PAGE}/7/remove", PAGE).status_code == 404


def test_a_form_without_its_token_is_refused(ann: FlaskClient, records: Database) -> None:
    """Another site cannot promise in somebody's name."""
    assert ann.post(PAGE, data={"text": "hello", "promise": "never"}).status_code == 400
    assert ann.post(f"{PAGE}/1/remove").status_code == 400
    assert promised(records) == []


def test_the_page_needs_neither_script_nor_inline_style(ann: FlaskClient) -> None:
    """What the policy forbids is not there."""
    page = ann.get(PAGE).text

    assert not re.search(r"<script(?![^>]* src=)", page)
    assert "style=" not in page
