"""A day at the inbox in real browsers: a customer, two people at the desk, and one of them without scripts."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from homes import CHEAP, PASSWORD, STAFF, copy_home
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from helpdesk.records import staff
from helpdesk.records.database import Database
from helpdesk.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.browser]

Enter = Callable[..., Page]
LATER = 6000  # ms: until the pages have looked again


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A home whose staff look into the inbox."""
    return copy_home(tiny_home, tmp_path, base_model=str(tiny_base), inbox=True)


@pytest.fixture
def enter(browser: Browser, app: Flask, records: Database) -> Iterator[Enter]:
    """Opens a browser with a clock that is moved by hand, and logs somebody in; "" is a customer."""
    with records.write() as session:
        staff.add_staff(session, "bob", password=PASSWORD).password_hash = CHEAP.hash(PASSWORD)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    with ExitStack() as stack:

        def go_in(name: str = STAFF, **more: bool) -> Page:
            context = browser.new_context(base_url=f"http://127.0.0.1:{server.port}", **more)  # type: ignore[arg-type]
            stack.callback(context.close)
            page = context.new_page()
            page.clock.install()
            page.goto("/login" if name else "/")
            if name:
                page.get_by_label("Name").fill(name)
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_label("Password").press("Enter")
                page.wait_for_url("**/desk*")
            return page

        yield go_in
    server.shutdown()
    thread.join()


def send(app: Flask, text: str) -> dict[str, Any]:
    """What a widget sends."""
    answer: Any = app.test_client().post("/api/v1/messages", json={"session_id": "eve", "text": text}).json
    return dict(answer)


def updates(app: Flask) -> dict[str, Any]:
    """What a widget fetches."""
    found: Any = app.test_client().get("/api/v1/sessions/eve/updates").json
    return dict(found)


def test_a_case_of_a_widget(enter: Enter, app: Flask) -> None:
    """It appears in an open inbox; its reply reaches the widget once; after it is closed the bot answers again."""
    page = enter()
    page.goto("/desk/inbox")
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    for text in ("what is the capital of peru", "who won the match"):
        assert send(app, text)["decision"] == "fallback"
    page.clock.run_for(LATER)
    expect(page).to_have_title("(1) Inbox - helpdesk")
    page.get_by_role("link", name="who won the match").click()
    page.get_by_role("button", name="Take").click()
    expect(page.get_by_text("You have this case.")).to_be_visible()
    assert send(app, "hello?")["decision"] == "person"

    page.get_by_label("To the customer").fill("Nobody did.")
    page.clock.run_for(LATER)
    expect(page.get_by_text("hello?")).to_be_visible()
    expect(page.get_by_label("To the customer")).to_have_value("Nobody did.")
    page.get_by_role("button", name="Send").dblclick(no_wait_after=True)
    expect(page.locator(".bubble", has_text="Nobody did.")).to_have_count(1)
    assert [update["text"] for update in updates(app)["updates"]] == ["Nobody did."]
    page.get_by_role("button", name="Close").click()
    page.wait_for_url("**/desk/inbox")
    assert updates(app)["state"] == "bot"
    assert send(app, "forgot my password")["decision"] == "answer"


def test_two_people_take_one_case(enter: Enter, app: Flask) -> None:
    """One has it; the other one reads who, and takes it over."""
    send(app, "human please")
    pages = [enter(name) for name in (STAFF, "bob")]
    for page in pages:
        page.goto("/desk/inbox/1")
        page.get_by_label("To the customer").fill("Hello!")
    for page in pages:
        page.get_by_role("button", name="Take").click()
    expect(pages[0].get_by_text("You have this case.")).to_be_visible()
    expect(pages[1].get_by_role("alert")).to_have_text("This case is with ann now; nothing was changed.")
    pages[1].get_by_role("button", name="Take over from ann").click()
    expect(pages[1].get_by_text("You have this case.")).to_be_visible()
    pages[0].clock.run_for(LATER)
    expect(pages[0].get_by_text("bob has this case")).to_be_visible()


def test_the_chat_page_shows_what_people_reply(enter: Enter) -> None:
    """Without asking for anything."""
    customer, page = enter(""), enter(java_script_enabled=False)
    customer.get_by_label("Your message").fill("human please")
    customer.get_by_role("button", name="Send").click()
    expect(customer.get_by_text("I have passed your message on to a colleague.")).to_be_visible()

    page.goto("/desk/inbox/1")
    page.get_by_label("Search the FAQ").fill("toner")
    page.get_by_label("Search the FAQ").press("Enter")
    page.get_by_role("button", name=re.compile("^Put in the answer to: The printer")).first.click()
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_have_text("Sent.")
    customer.clock.run_for(LATER)
    expect(customer.get_by_text("Switch the printer off and on.")).to_have_count(1)
    customer.clock.run_for(LATER)
    expect(customer.get_by_text("Switch the printer off and on.")).to_have_count(1)
