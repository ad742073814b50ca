"""An invitation is accepted in a real browser of a phone's width, by keyboard alone."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from helpdesk.records import one_time_links
from helpdesk.records.database import Database
from helpdesk.records.roles import Role

pytestmark = pytest.mark.slow


@pytest.fixture
def phone(browser: Browser, app: Flask) -> Iterator[Page]:
    """A page of 375 pixels' width."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    page = browser.new_page(base_url=f"http://127.0.0.1:{server.port}", viewport={"width": 375, "height": 667})
    yield page
    page.close()
    server.shutdown()
    thread.join()


def test_an_invitation_is_accepted_by_keyboard(phone: Page, records: Database) -> None:
    """The name stands there already, the cursor too; a weak password is explained; then one is in."""
    with records.write() as session:
        token = one_time_links.invite(session, "cat", role=Role.VIEWER, author="ann").token
    phone.goto(f"/invite/{token}")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 375
    for word in ("password1234", "another long one"):
        phone.keyboard.press("Control+a")
        if word == "password1234":
            phone.keyboard.type("cathy")
            phone.keyboard.press("Tab")
        phone.keyboard.type(word)
        phone.keyboard.press("Tab")
        phone.keyboard.type(word)
        with phone.expect_navigation():
            phone.keyboard.press("Enter")
        if word == "password1234":
            assert "very common password" in phone.inner_text("[role=alert]")
            assert phone.input_value("[name=name]") == "cathy"

    assert phone.url.endswith("/desk/report")
    assert "cathy" in phone.inner_text("nav")
