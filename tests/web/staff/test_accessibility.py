"""Every page is fit for screen readers, weak eyes and narrow screens: axe finds nothing serious, nothing runs over."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient
from homes import copy_home
from playwright.sync_api import Browser, Page
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.serving import make_server

from helpdesk.app import create_app
from helpdesk.new_home import ADMIN
from helpdesk.records import cases, faq
from helpdesk.records.database import Database, open_database
from helpdesk.records.files.faq_files import NamedFile
from helpdesk.records.one_time_links import invite
from helpdesk.records.roles import Role
from helpdesk.records.tables import CaseReason, Label, Message, Staff
from helpdesk.records.uploads import keep_upload
from helpdesk.serving.live import LiveMatcher
from helpdesk.web.policy import PUBLIC

pytestmark = [pytest.mark.slow, pytest.mark.browser]

WIDE, NARROW = 1280, 375
FILE = b"question,answer\nHow do I reset my SAP password?,By phone.\nWhere do I park?,Behind the house.\nMy mailbox,\n"
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
COLOURS = {"runOnly": ["color-contrast"], "resultTypes": ["violations"]}
EVERYTHING = {"resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def filled(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Database]]:
    """The application over the home of a demo, in which a file waits to be imported."""
    settings = copy_home(demo_home, tmp_path_factory.mktemp("filled"), inbox=True)
    records = open_database(settings)
    live = LiveMatcher(records, settings)
    live.refresh()
    yield create_app(settings, live=live), records
    records.close()


@pytest.fixture(scope="module")
def address(filled: tuple[Flask, Database]) -> Iterator[str]:
    """Where the application is served."""
    server = make_server("127.0.0.1", 0, filled[0], threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


def examples(records: Database) -> dict[str, object]:
    """What the arguments of routes may be; a file is uploaded for it."""
    with records.write() as session:
        admin = session.scalars(select(Staff.id).where(Staff.name == ADMIN)).one()
        message = session.scalars(select(func.min(Message.id))).one() or 1
        talk = cases.conversation_of(session, message)
        case, _ = cases.open_case(
            session, conversation_id=talk, message_id=message, reason=CaseReason.ASKED, urgent=True
        )
        return {
            "case_id": case.id,
            "conversation_id": talk,
            "entry_id": faq.find_intent(session, "vpn_connect_fail").id,
            "message_id": session.scalars(select(func.max(Label.message_id))).one() or 1,
            "token": invite(session, "Mara", role=Role.EDITOR, author=ADMIN).token,
            "upload_id": keep_upload(session, [NamedFile("faq.csv", FILE)], staff_id=admin),
        }


def pages(app: Flask, client: FlaskClient, given: dict[str, object], *, public: bool) -> Iterator[str]:
    """The addresses of all pages that anybody may see, or of the others."""
    for rule in app.url_map.iter_rules():
        policy = getattr(app.view_functions[rule.endpoint], "policy", PUBLIC)
        if "GET" in (rule.methods or ()) and rule.endpoint != "static" and (policy == PUBLIC) == public:
            path = build(rule, given)
            answer = client.get(path)
            if answer.mimetype == "text/html" and "<html" in answer.text and not answer.location:
                yield path


def build(rule: Rule, given: dict[str, object]) -> str:
    """The path of a rule whose arguments are examples; what there is no example of is the first one."""
    built = rule.build({name: given.get(name, 1) for name in rule.arguments})
    assert built is not None
    return str(built[1])


def faults(page: Page, path: str) -> Iterator[str]:
    """What is wrong with a page: wide and narrow, in light and in dark."""
    for width, scheme, options in (
        (WIDE, "light", EVERYTHING),
        (NARROW, "dark", COLOURS),
        (NARROW, "light", EVERYTHING),
    ):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        where = f"{path} {width} {scheme}"
        for found in Axe().run(page, options=options).response["violations"]:
            if found["impact"] in ("serious", "critical"):
                yield from (f"{where}: {found['id']}: {node['html']:.200}" for node in found["nodes"])
        over = page.evaluate(OVERFLOW)
        if over > 0:
            yield f"{where}: {over} px too wide"


def look_at(address: str, page: Page, paths: list[str]) -> str:
    """All faults of some pages, one a line."""
    found: list[str] = []
    for path in paths:
        page.goto(address + path)
        found += faults(page, path)
    return "\n".join(found)


def test_the_pages_of_the_desk(filled: tuple[Flask, Database], address: str, browser: Browser) -> None:
    """For whoever may do everything, and a page that is not there."""
    app, records = filled
    client = app.test_client()
    log_in(client, name=ADMIN)
    cookie = client.get_cookie("session")
    assert cookie is not None
    paths = [*pages(app, client, examples(records), public=False), "/desk/faq/99999"]
    context = browser.new_context(bypass_csp=True)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])

    assert {"/desk", "/desk/inbox", "/desk/queue", "/desk/faq", "/desk/faq/new", "/desk/report"} <= set(paths)
    assert look_at(address, context.new_page(), paths) == ""


def test_the_pages_of_everybody(filled: tuple[Flask, Database], address: str, browser: Browser) -> None:
    """Chat page and login."""
    app, records = filled
    paths = list(pages(app, app.test_client(), examples(records), public=True))

    assert {"/", "/login"} <= set(paths)
    assert look_at(address, browser.new_context(bypass_csp=True).new_page(), paths) == ""


def test_the_list_of_keys_over_a_card(filled: tuple[Flask, Database], address: str, browser: Browser) -> None:
    """As it is open."""
    client = filled[0].test_client()
    log_in(client, name=ADMIN)
    cookie = client.get_cookie("session")
    assert cookie is not None
    context = browser.new_context(bypass_csp=True)
    context.add_cookies([{"name": "session", "value": cookie.value, "url": address}])
    page = context.new_page()
    page.goto(f"{address}/desk")
    page.get_by_role("link", name="all keys").click()
    page.wait_for_selector("dialog[open]")

    assert "\n".join(faults(page, "keys")) == ""
