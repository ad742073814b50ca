"""Keys of the labelling desk in a real browser: one press is one label, whatever finger or keyboard do."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from clients import ask, log_in
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select
from werkzeug.serving import make_server

from helpdesk.records.database import Database
from helpdesk.records.tables import CardLease, Label

pytestmark = pytest.mark.slow

READY = ".card[data-ready]"
COUNT_FORMS = """
    const forms = [];
    addEventListener("submit", (event) => forms.push(event));
    window.sent = () => forms.filter((event) => !event.defaultPrevented).length;
"""


@pytest.fixture
def page(browser: Browser, app: Flask, client: FlaskClient) -> Iterator[Page]:
    """A page of somebody who is logged in, with five messages that wait; `sent()` counts the forms that it sends."""
    ask(client, *(f"what is the capital of {country}" for country in ("peru", "chad", "iran", "mali", "togo")))
    log_in(client)
    cookie = client.get_cookie("session")
    assert cookie is not None
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    url = f"http://127.0.0.1:{server.port}"
    context = browser.new_context(base_url=url)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": url}])
    context.add_init_script(COUNT_FORMS)
    yield context.new_page()
    context.close()
    server.shutdown()
    thread.join()


def stored(records: Database) -> int:
    """How many labels there are."""
    with records.read() as session:
        return session.scalar(select(func.count()).select_from(Label)) or 0


@pytest.mark.browser
def test_a_held_key_labels_one_message(page: Page, records: Database) -> None:
    """The next card waits for the next press, however long the key is down."""
    page.goto("/desk")
    page.wait_for_selector(READY)
    page.keyboard.down("x")
    page.wait_for_selector(f".said ~ {READY}")
    for _ in range(20):
        page.keyboard.down("x")
    assert page.evaluate("sent()") == 0
    page.keyboard.up("x")
    assert stored(records) == 1

    page.keyboard.press("x")
    page.wait_for_function("document.querySelector('.pending').textContent.trim().startsWith('2 ')")
    assert stored(records) == 2


@pytest.mark.browser
def test_two_keys_at_once_are_one_label(page: Page, records: Database) -> None:
    """After a key was taken the others wait for the next card; a click on a button is a key too."""
    page.goto("/desk")
    page.wait_for_selector(READY)
    sent = page.evaluate("""() => {
        for (const key of ["1", "1", "2", "x"])
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        document.querySelector('[data-key="s"]').click();
        return sent();
    }""")
    page.wait_for_selector(".said")

    assert sent == 1
    assert stored(records) == 1


@pytest.mark.browser
def test_a_key_waits_until_the_card_was_seen(page: Page, records: Database) -> None:
    """The first quarter of a second belongs to the card before."""
    page.clock.install(time=0)
    page.clock.pause_at(1000)
    page.goto("/desk")
    for wait, sent in ((0, 0), (249, 0), (1, 1)):
        page.clock.run_for(wait)
        assert (
            page.evaluate("""() => {
            document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
            return sent();
        }""")
            == sent
        ), wait
    page.wait_for_selector(".said")

    assert stored(records) == 1


@pytest.mark.browser
def test_the_browser_keeps_and_leaves_the_lease_of_a_card(page: Page, app: Flask, records: Database) -> None:
    """Every minute that it is looked at, and when the page is left."""
    left, serve = threading.Event(), app.wsgi_app

    def listen(environ: Any, start: Any) -> Any:
        answer = list(serve(environ, start))
        if environ["PATH_INFO"].endswith("/leave"):
            left.set()
        return answer

    app.wsgi_app = listen  # type: ignore[method-assign, assignment]
    page.clock.install(time=0)
    page.goto("/desk")
    page.wait_for_selector(".card[data-renew]")
    with page.expect_response("**/renew") as renewed:
        page.clock.run_for(60_000)
    assert renewed.value.status == 204
    page.goto("/desk/report")

    assert left.wait(20)
    with records.read() as session:
        assert session.scalars(select(CardLease)).all() == []


@pytest.mark.browser
def test_a_question_mark_shows_the_keys(page: Page, records: Database) -> None:
    """Over the card, until Escape; keys do nothing meanwhile, and axe finds nothing."""
    page.goto("/desk")
    page.wait_for_selector(READY)
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("x")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    page.keyboard.press("?")
    page.wait_for_selector("dialog[open]")
    page.get_by_role("button", name="Close").click()
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert (stored(records), page.evaluate("sent()")) == (0, 0)
    page.keyboard.press("x")
    page.wait_for_selector(f".said ~ {READY}")
    assert stored(records) == 1
