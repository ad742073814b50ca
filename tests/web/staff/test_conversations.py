"""Conversations for people to read: found by what was said, shown with what was decided; as text, never as markup."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from clients import ask, label, log_in
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.engine import Engine

from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import DecisionRow
from helpdesk.serving.live import LiveMatcher

PERU = "what is the <b>capital</b> of peru"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """Somebody who is logged in."""
    client = app.test_client()
    assert log_in(client).status_code == 303
    return client


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements that this thread sends to a database meanwhile; others look for promotions and count."""
    statements: list[str] = []
    own = threading.get_ident()

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if threading.get_ident() == own:
            statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def statements_of(client: FlaskClient, path: str) -> int:
    """How many statements a page takes."""
    client.get(path)
    with counted() as statements:
        assert client.get(path).status_code == 200
    return len(statements)


def test_on_the_first_day_the_page_says_what_will_stand_there(ann: FlaskClient) -> None:
    """No empty box."""
    page = ann.get("/desk/conversations").text

    assert "Nobody has written yet." in page
    assert 'href="/desk/conversations"' in ann.get("/desk").text


def test_messages_are_found_by_words_and_outcome(ann: FlaskClient) -> None:
    """What is asked for stays in the form, and chat text is text."""
    ask(ann, "forgot my password", PERU)
    found = ann.get("/desk/conversations?q=Capital&outcome=not_answered").text

    assert "what is the &lt;b&gt;capital&lt;/b&gt; of peru" in found
    assert "forgot my password" not in found
    assert 'name="q" value="Capital"' in found
    assert '<option value="not_answered" selected>' in found


def test_a_search_that_finds_nothing_says_so(ann: FlaskClient) -> None:
    """And what holds no word is not searched for."""
    ask(ann, "forgot my password")

    assert "No message is like that." in ann.get("/desk/conversations?q=gym").text
    assert "has no letters or digits to look for" in ann.get("/desk/conversations?q=...").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("outcome=lost", "outcome &#39;lost&#39;; expected one of answered"),
        ("from=tomorrow", "from &#39;tomorrow&#39;; expected a day like"),
        ("from=2026-02-02&to=2026-01-01", "expected the earlier day first"),
    ],
)
def test_what_cannot_be_searched_for_is_named(ann: FlaskClient, query: str, said: str) -> None:
    """The value, and what was expected."""
    answer = ann.get(f"/desk/conversations?{query}")

    assert answer.status_code == 400
    assert said in answer.text


def test_a_thread_shows_what_was_decided_and_said_of_it(ann: FlaskClient) -> None:
    """The decision in words, its version, the label and the card."""
    first, peru = ask(ann, "forgot my password", PERU)
    label(ann, peru, "out_of_scope")
    page = ann.get("/desk/conversations/1").text

    assert page.index("forgot my password") < page.index("capital")
    assert "How do I reset my password?" in page
    assert "version 1." in page
    assert "Labelled none of our FAQs by ann" in page
    assert f'href="/desk?item={first}"' in page
    assert "<b>capital" not in page


@pytest.mark.parametrize(
    ("reason", "kind", "said"),
    [
        ("choice", "answer", "The customer chose the answer below."),
        ("none_of_these", "fallback", "The customer chose “none of these”."),
        ("unsure", "fallback", "The customer chose none and wrote something else."),
    ],
)
def test_a_thread_tells_what_came_of_a_question_back(
    ann: FlaskClient, records: Database, reason: str, kind: str, said: str
) -> None:
    """What was offered, and what the customer did then."""
    first, second = ask(ann, "forgot my password", "1")
    with records.write() as session:
        for number, columns in (
            (first, {"kind": "clarify", "intent": None, "reason": "between", "options": ["vpn", "gone"]}),
            (second, {"kind": kind, "reason": reason}),
        ):
            row = session.query(DecisionRow).filter_by(message_id=number).one()
            for name, value in columns.items():
                setattr(row, name, value)
    page = ann.get("/desk/conversations/1").text

    assert "<li>Why does the VPN not connect?</li><li>gone</li>" in page
    assert said in page


def test_a_conversation_that_is_not_there_is_not_found(ann: FlaskClient) -> None:
    """However large its number."""
    assert ann.get("/desk/conversations/99999999999999").status_code == 404


@pytest.mark.parametrize(
    "path", ["/desk/conversations", "/desk/conversations?q=o", "/desk/conversations/1", "/desk/report"]
)
def test_many_rows_take_no_more_statements_than_few(ann: FlaskClient, path: str) -> None:
    """Nothing is read row by row."""
    ids = ask(ann, "forgot my password", PERU)
    few = statements_of(ann, path)
    ids += ask(ann, *(f"no such thing as number {number}" for number in range(8)), "vpn not connecting")
    for number in ids[:4]:
        label(ann, number, "out_of_scope")

    assert statements_of(ann, path) == few


def test_a_thread_shows_the_answer_that_was_sent(ann: FlaskClient, records: Database, live: LiveMatcher) -> None:
    """Beside its question, as it was then; what an editor made of it since is not it."""
    ask(ann, "forgot my password")
    with records.write() as session:
        faq.store_entries(session, [Entry("password", answer="Ask your manager.")], author="test")
    live.refresh()
    ask(ann, "forgot my password")
    page = ann.get("/desk/conversations/1").text
    texts = re.findall(r'<p class="sent">([^<]+)</p>', page)
    assert texts == ["Open the self-service page.", "Ask your manager."]
