"""The widget in Chromium with the real server behind it: by keyboard, through a crash, and on the chat page itself."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from sites import Site, served, unsure, wait
from sqlalchemy import select

from helpdesk.app import create_app
from helpdesk.records import inbox
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseRow, Message
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def site() -> Iterator[tuple[Site, str]]:
    """A site of another origin, and its address."""
    made = Site()
    with served(made.app) as url:
        yield made, url


@pytest.fixture
def open_app(settings: Settings, live: LiveMatcher, site: tuple[Site, str]) -> Flask:
    """The application; the site may call it, and every message but a phrasing is asked back."""
    unsure(live)
    return create_app(settings.model_copy(update={"allowed_origins": (site[1],)}), live=live)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that was never there."""
    context = browser.new_context(locale="en-GB", reduced_motion="reduce", bypass_csp=True)
    yield context.new_page()
    context.close()


class ReplyLost:
    """An application that stores what it is sent, and whose connection breaks before the first reply to a message."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.lost = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        replies = self.app(environ, start_response)
        if environ["REQUEST_METHOD"] != "POST":
            return replies
        self.lost += 1
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionError


def stored(records: Database) -> list[tuple[str, str]]:
    """The messages and their channels."""
    with records.read() as session:
        rows = session.execute(select(Message.text, Message.channel).order_by(Message.id))
        return [(text, channel) for text, channel in rows]


def test_by_keyboard_alone(page: Page, site: tuple[Site, str], open_app: Flask, records: Database) -> None:
    """Question, clarifying question, choice, answer, thumb; out again to the button."""
    with served(open_app) as address:
        site[0].add("shop", address)
        page.goto(f"{site[1]}/shop")
        page.wait_for_selector(".launcher")
        press(page, "Tab", "Tab", "Enter")
        page.keyboard.type("the thing is broken")
        press(page, "Enter")
        choices = page.get_by_role("group", name="Choose one").get_by_role("button")
        choices.first.wait_for()
        press(page, *["Shift+Tab"] * choices.count())
        expect(choices.first).to_be_focused()
        chosen = choices.first.inner_text()
        press(page, "Enter")
        page.wait_for_selector('[data-decision="answer"]')
        expect(page.locator("#message")).to_be_focused()
        press(page, "Shift+Tab", "Shift+Tab")
        with page.expect_request("**/feedback") as rated:
            press(page, "Space")
        assert (rated.value.post_data_json or {})["helpful"] is True
        press(page, "Escape")
        expect(page.locator(".launcher")).to_be_focused()

    assert stored(records) == [("the thing is broken", "widget"), (chosen, "widget")]


def press(page: Page, *keys: str) -> None:
    """One key after the other."""
    for key in keys:
        page.keyboard.press(key)


def test_a_message_whose_reply_was_lost_arrives_once(
    page: Page, site: tuple[Site, str], open_app: Flask, records: Database
) -> None:
    """It was stored when the server went away; the server comes back, and the message with the same id."""
    breaking = ReplyLost(open_app)
    with served(breaking) as address:
        site[0].add("shop", address)
        page.goto(f"{site[1]}/shop")
        page.locator(".launcher").click()
        page.locator("#message").fill("forgot my password")
        page.locator("#message").press("Enter")
        expect(page.locator(".notice")).to_have_text("No connection. Trying again …")
        assert breaking.lost == 1
    with served(open_app, int(address.rpartition(":")[2])):
        expect(page.locator('[data-decision="answer"]')).to_have_count(1, timeout=30_000)
        expect(page.locator(".notice")).to_be_empty()
        page.reload()
        expect(page.locator(".turn")).to_have_count(2)

    assert stored(records) == [("forgot my password", "widget")]


def test_a_person_answers_from_the_inbox(
    page: Page, site: tuple[Site, str], open_app: Flask, settings: Settings, live: LiveMatcher, records: Database
) -> None:
    """Who asked for one sees that somebody has it, what they write, and when the bot is alone again."""
    staffed = settings.model_copy(update={"allowed_origins": (site[1],), "inbox": True})
    with served(create_app(staffed, live=live)) as address:
        site[0].add("shop", address)
        page.clock.install()
        page.goto(f"{site[1]}/shop")
        page.locator(".launcher").click()
        page.locator("#message").fill("I want to talk to a human")
        page.locator("#message").press("Enter")
        expect(page.locator(".notice")).to_have_text("Your request is with our team.")
        with records.write() as session:
            case = session.scalars(select(CaseRow)).one()
            inbox.take_case(session, case.id, author="ann", holder="")
            inbox.reply_to_case(session, case.id, author="ann", text="Hello <b>there</b>,\nwhat is it?", token="t" * 16)
        wait(page, 12)
        expect(page.locator(".author")).to_have_text("Colleague")
        expect(page.locator(".turn").last).to_contain_text("Hello <b>there</b>,\nwhat is it?", use_inner_text=True)
        expect(page.locator(".notice")).to_have_text("You are talking to a colleague.")
        with records.write() as session:
            inbox.close_case(session, case.id, author="ann", seen=1)
        wait(page, 12)
        expect(page.locator(".notice")).to_be_empty()
        expect(page.locator(".author")).to_have_count(1)


def test_the_chat_page_is_the_same(page: Page, open_app: Flask, records: Database) -> None:
    """The field has the focus; what was said is there after a reload; axe finds nothing on either page."""
    with served(open_app) as address:
        page.goto(address)
        page.wait_for_selector("#message:focus")
        page.keyboard.type("forgot my password")
        page.keyboard.press("Enter")
        page.wait_for_selector('[data-decision="answer"]')
        page.reload()
        expect(page.locator(".turn .bot")).to_contain_text("Open the self-service page.")
        assert page.locator(".launcher, .close").count() == 0
        assert found(page) == []
        page.goto(f"{address}/demo")
        page.locator(".launcher").click()
        expect(page.locator(".turn .bot")).to_contain_text("Open the self-service page.")
        assert found(page) == []


def found(page: Page) -> list[str]:
    """What axe finds, in the shadow too."""
    faults = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{fault['id']}: {node['html']:.200}" for fault in faults for node in fault["nodes"]]


def test_a_listed_site_shows_the_chat_page_in_a_frame(
    browser: Browser, page: Page, site: tuple[Site, str], open_app: Flask
) -> None:
    """The login it cannot; and in a frame the chat takes no focus from the page around it."""
    with served(open_app) as address:
        frames = f'<iframe src="{address}/"></iframe><iframe src="{address}/login"></iframe>'
        site[0].pages["frames"] = (f"<!doctype html><title>x</title>{frames}", {})
        strict = browser.new_context().new_page()  # the policy counts here
        strict.goto(f"{site[1]}/frames")
        strict.frames[1].wait_for_selector("#message")

        assert strict.frames[1].evaluate("document.activeElement.tagName") == "BODY"
        assert "chrome-error" in strict.frames[2].url or not strict.frames[2].query_selector("input")
        strict.context.close()
