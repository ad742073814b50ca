"""The way of an entry in a real browser, by keyboard alone: from a draft of the labelling desk to its deletion."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from clients import ask, log_in
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from helpdesk.serving.live import LiveMatcher

pytestmark = pytest.mark.slow

QUESTION = "Coffee machine broken?"


@pytest.fixture
def page(browser: Browser, app: Flask, client: FlaskClient) -> Iterator[Page]:
    """A page of somebody who is logged in; a message waits on the desk."""
    ask(client, "the coffee machine is broken")
    log_in(client)
    cookie = client.get_cookie("session")
    assert cookie is not None
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=url)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": url}])
    yield context.new_page()
    context.close()
    server.shutdown()
    thread.join()


def go_to(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus."""
    script = """() => {
        const it = document.activeElement;
        return it.getAttribute("aria-label") || it.labels?.[0]?.firstChild.textContent.trim() || it.textContent.trim();
    }"""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate(script) == name:
            return
    raise AssertionError(f"no Tab reaches {name!r}")


def press(page: Page, name: str) -> None:
    """Go to a button or a link and press it; the next page is there."""
    go_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


def said(client: FlaskClient, live: LiveMatcher) -> str:
    """What the webhook says to a message, after the next poll."""
    live.refresh()
    answer: Any = client.post("/webhooks/rest/webhook", json={"sender": "v", "message": QUESTION}).json
    return str(answer[0]["text"])


@pytest.mark.browser
def test_a_draft_is_finished_published_edited_and_deleted(page: Page, client: FlaskClient, live: LiveMatcher) -> None:
    """The chat follows each step."""
    page.goto("/desk")
    page.wait_for_selector(".card[data-ready]")
    page.keyboard.press("n")
    page.keyboard.press("Control+A")
    page.keyboard.type(QUESTION)
    press(page, "Create and label")
    assert "Call facilities." not in said(client, live)

    press(page, "FAQ")
    press(page, QUESTION)
    go_to(page, "Answer")
    page.keyboard.type("Call facilities.")
    press(page, "Save and publish")
    assert said(client, live) == "Call facilities."

    go_to(page, "A message")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    page.wait_for_selector("#verdict .answer >> text=Call facilities.")
    assert "try=" not in page.url

    go_to(page, "Answer")
    page.keyboard.press("Control+A")
    page.keyboard.type("Use the one upstairs.")
    press(page, "Save")
    assert said(client, live) == "Use the one upstairs."

    press(page, "Unpublish")
    assert "upstairs" not in said(client, live)
    press(page, "Delete …")
    assert page.get_by_text("1 label names it").count() == 1
    press(page, "Delete")
    assert page.get_by_role("status").inner_text() == f"“{QUESTION}” is deleted."
    assert page.get_by_role("link", name=QUESTION).count() == 0
