"""A working day at the desk in real browsers, by keyboard alone: nothing is lost, doubled or left out."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from clients import ask
from flask import Flask
from flask.testing import FlaskClient
from homes import CHEAP, PASSWORD, STAFF
from playwright.sync_api import Browser, Page
from sqlalchemy import select, update
from werkzeug.serving import make_server

from helpdesk.records import faq, labels, staff
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow, Label

pytestmark = [pytest.mark.slow, pytest.mark.browser]

READY = ".card[data-ready]"
ITEMS = 200
NO_RECEIPTS = """
    const send = window.fetch;
    window.fetch = (place, ...more) => String(place).includes("/receipt?") ? Promise.reject() : send(place, ...more);
"""  # on a busy machine every card would be looked at for so long that one is computed
Enter = Callable[..., Page]


@pytest.fixture
def enter(browser: Browser, app: Flask) -> Iterator[Enter]:
    """Opens a browser, logs somebody in by keyboard, and gives the page."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    with ExitStack() as stack:

        def log_in(name: str = STAFF, **more: bool) -> Page:
            context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}", **more)  # type: ignore[arg-type]
            stack.callback(context.close)
            context.add_init_script(NO_RECEIPTS)
            page = context.new_page()
            page.goto("/login")
            type_login(page, name)
            page.wait_for_url("**/desk*")
            return page

        yield log_in
    server.shutdown()
    thread.join()


def type_login(page: Page, name: str = STAFF) -> None:
    """Name, password, Enter."""
    page.locator("[name=name]").focus()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")


def waiting(client: FlaskClient, records: Database, count: int) -> list[int]:
    """Messages of different texts that wait in the queue."""
    names = (
        "ash",
        "bay",
        "fir",
        "oak",
        "elm",
        "yew",
        "box",
        "fig",
        "ivy",
        "rue",
        "sage",
        "dill",
        "mint",
        "lime",
        "pear",
    )
    texts = [f"what grows beside {one} and {two}" for one in names for two in names if one != two]
    ids = [ask(client, text, sender=f"u{number}")[0] for number, text in enumerate(texts[:count])]
    with records.write() as session:
        session.execute(update(DecisionRow).values(inclusion_probability=None))
    return ids


SETTLED = """before => document.querySelector(".card.done")
    || document.querySelector(".card[data-ready]") && document.querySelector(".suggestions").action !== before"""


def label_next(page: Page, key: str, before: str) -> str | None:
    """Wait for another card than the one before and press a key on it; what the card is, None when all is done."""
    page.wait_for_function(SETTLED, arg=before)
    if page.locator(".card.done").count():
        return None
    action = page.locator(".suggestions").evaluate("form => form.action")
    page.keyboard.press(key)
    return str(action)


def stored(records: Database) -> list[Label]:
    """Every label there is, in the order they were given."""
    with records.read() as session:
        return list(session.scalars(select(Label).order_by(Label.id)))


def test_two_people_label_one_queue(enter: Enter, client: FlaskClient, records: Database) -> None:
    """Two hundred texts at the same time: each is labelled, once, by one of them, and nothing is skipped."""
    ids = waiting(client, records, ITEMS)
    with records.write() as session:
        staff.add_staff(session, "bob", password=PASSWORD).password_hash = CHEAP.hash(PASSWORD)
    desks = [(enter(), "x", [""]), (enter("bob"), "i", [""])]
    while desks:
        for desk in list(desks):
            page, key, cards = desk
            card = label_next(page, key, cards[-1])
            if card is None:
                desks.remove(desk)
            else:
                cards.append(card)
    given = stored(records)

    assert sorted(label.message_id for label in given) == sorted(ids)
    assert {label.kind for label in given} == {"out_of_scope", "not_a_question"}
    assert all(label.undone_at is None for label in given)


def test_the_seventh_last_label_is_undone(enter: Enter, client: FlaskClient, records: Database) -> None:
    """From the list of one's own labels, by keyboard."""
    waiting(client, records, 9)
    page = enter()
    for number in range(9):
        page.wait_for_selector(READY)
        page.keyboard.press("x")
        page.locator(".pending", has_text=re.compile(rf"^\s*{number + 1} label")).wait_for()
    page.get_by_role("link", name="my labels").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/mine*")
    page.get_by_role("button", name="Undo").nth(6).focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Undone: none of our FAQs.")
    given = stored(records)

    assert [label.id for label in given if label.undone_at is not None] == [given[-7].id]


def test_a_session_lost_in_the_middle_loses_nothing(enter: Enter, client: FlaskClient, records: Database) -> None:
    """Neither the key that was pressed nor a long answer that was typed."""
    waiting(client, records, 2)
    page = enter()
    page.wait_for_selector(READY)
    page.context.clear_cookies()
    page.keyboard.press("x")
    page.wait_for_selector("text=What you typed is kept")
    type_login(page)
    page.get_by_role("button", name="Label it as none of our FAQs").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    assert [label.kind for label in stored(records)] == ["out_of_scope"]

    answer = "Beside the oak. " * 60
    page.keyboard.press("n")
    page.keyboard.press("Tab")
    page.keyboard.insert_text(answer)
    page.context.clear_cookies()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=What you typed is kept")
    type_login(page)
    page.get_by_role("button", name="Label it as a new FAQ").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("text=is published")
    with records.read() as session:
        made = labels.active_labels(session)[-1]
        assert made.intent is not None
        assert faq.find_intent(session, made.intent.slug).answer == answer.strip()


def test_it_works_without_scripts(enter: Enter, client: FlaskClient, records: Database) -> None:
    """Every key has its button; flags and the list of the queue are forms."""
    waiting(client, records, 3)
    page = enter(java_script_enabled=False)
    page.get_by_role("button", name="None of our FAQs").click()
    page.locator("summary", has_text="Flag for somebody else").click()
    page.get_by_label("Note").fill("somebody else")
    page.get_by_role("button", name="Flag", exact=True).click()
    page.get_by_role("link", name="Queue").click()
    assert page.locator(".ticks li").count() == 1

    assert [label.kind for label in stored(records)] == ["out_of_scope", "flag"]
