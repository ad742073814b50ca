"""Many homes in one service: each is told by the host name, and knows nothing of the others."""

import gc
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from runpy import run_path
from typing import Any

import httpx2 as httpx
import plain_http
import pytest
from commands import HELPDESK, run_in
from homes import LENIENT, PASSWORD, STAFF, share
from nodes import Node
from postgresql import administer, named
from sqlalchemy import func, make_url, select
from werkzeug.test import Client, TestResponse

from helpdesk.app import close_app, create_app
from helpdesk.errors import BadInputError
from helpdesk.home import tenant_homes
from helpdesk.records.database import open_database
from helpdesk.records.tables import Message
from helpdesk.settings import environment_of_home, load_settings, settings_of_home
from helpdesk.tenants import Tenants

pytestmark = pytest.mark.slow
QUESTION = "forgot my password"


@pytest.fixture
def folder(tiny_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the homes `shop` and `bank`, and with what is no home."""
    made = tmp_path / "all"
    for name in ("shop", "bank"):
        shutil.copytree(tiny_home, made / name, copy_function=share, ignore=shutil.ignore_patterns("secret_key"))
    (made / "lost+found").mkdir()
    (made / "notes.txt").write_text("not a home")
    monkeypatch.setenv("HELPDESK_TENANTS", str(made))
    for name, value in LENIENT.items():
        monkeypatch.setenv(f"HELPDESK_{name.upper()}", str(value))
    return made


@pytest.fixture
def tenants(folder: Path) -> Iterator[Tenants]:
    """What one process answers with; nothing is opened before somebody asks for it."""
    made = Tenants(load_settings())
    yield made
    made.stop()


def ask(tenants: Any, host: str, text: str = QUESTION) -> TestResponse:
    """A message to the webhook of a host."""
    body = {"sender": "visitor", "message": text}
    return Client(tenants).post("/webhooks/rest/webhook", base_url=f"http://{host}", json=body)


def stored(home: Path) -> int:
    """How many messages a home holds."""
    database = open_database(settings_of_home(home))
    with database.read() as session:
        found: int = session.scalar(select(func.count()).select_from(Message)) or 0
    database.close()
    return found


@pytest.mark.parametrize("host", ["shop.localhost", "shop.help.example.org:8000", "SHOP.help.example.org", "shop"])
def test_a_message_goes_to_the_home_that_its_host_names(tenants: Tenants, folder: Path, host: str) -> None:
    """It is answered and stored there, and nowhere else."""
    answered = ask(tenants, host)

    assert answered.status_code == 200
    assert answered.json is not None
    assert answered.json[0]["custom"]["intent"] == "password"
    assert (stored(folder / "shop"), stored(folder / "bank")) == (1, 0)


@pytest.mark.parametrize(
    "host", ["help.example.org", "127.0.0.1:8000", "lost+found.example.org", "notes.txt", "..", "a/b", "[::1]:80", ""]
)
def test_a_host_of_nobody_is_refused(tenants: Tenants, folder: Path, host: str) -> None:
    """Whatever a client writes there; no name of a tenant is told."""
    told: list[str] = []
    environ: dict[str, Any] = {"HTTP_HOST": host, "PATH_INFO": "/", "REQUEST_METHOD": "GET"}
    body = b"".join(tenants(environ, lambda status, headers, exc_info=None: told.append(status)))  # type: ignore[arg-type]

    assert told == ["404 Not Found"]
    assert not re.search(rb"shop|bank", body)


def test_a_login_of_one_tenant_is_none_of_another(tenants: Tenants) -> None:
    """Not even for a browser that shows it the cookie: each home has a key of its own, or of its own file."""
    client = Client(tenants)
    page = client.get("/login", base_url="http://shop.localhost").get_data(as_text=True)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token
    form = {"name": STAFF, "password": PASSWORD, "csrf_token": token[1]}
    logged_in = client.post("/login", base_url="http://shop.localhost", data=form)
    cookie = client.get_cookie("session", domain="shop.localhost")
    assert logged_in.status_code == 303
    assert cookie is not None
    shown = {"Cookie": f"session={cookie.value}"}

    there = Client(tenants, use_cookies=False).get("/desk", base_url="http://bank.localhost", headers=shown)
    here = Client(tenants, use_cookies=False).get("/desk", base_url="http://shop.localhost", headers=shown)
    assert (there.status_code, here.status_code) == (302, 200)


def test_a_home_copied_with_its_key_is_not_opened(tenants: Tenants, folder: Path) -> None:
    """People of the one could go on as people of the other."""
    assert ask(tenants, "shop.localhost").status_code == 200
    shutil.copy2(folder / "shop" / "secret_key", folder / "bank" / "secret_key")
    assert ask(tenants, "bank.localhost").status_code == 503
    assert ask(tenants, "shop.localhost").status_code == 200

    (folder / "bank" / "secret_key").unlink()
    tenants.start()
    assert until_open(tenants, "bank.localhost")


def test_what_is_of_one_installation_is_not_of_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database in the environment would be shared by all tenants. One in a home's own file is of that home; all else
    is of all, and the environment takes precedence."""
    monkeypatch.setenv("HELPDESK_DATABASE_URL", "sqlite:////nowhere/all.db")
    monkeypatch.setenv("HELPDESK_SECRET_KEY", "everybody's")
    monkeypatch.setenv("HELPDESK_MAX_MESSAGE_CHARS", "100")
    monkeypatch.delenv("HELPDESK_VECTOR_CACHE")
    (folder / "bank" / ".env").write_text(
        "HELPDESK_DATABASE_URL=postgresql://bank@host/helpdesk\nHELPDESK_MAX_MESSAGE_CHARS=7\nHELPDESK_VECTOR_CACHE=9\n"
    )
    shop, bank = settings_of_home(folder / "shop"), settings_of_home(folder / "bank")
    given = {"HELPDESK_DATABASE_URL": "x", "HELPDESK_TENANTS": "y", "HELPDESK_MAX_MESSAGE_CHARS": "100", "A": "b"}
    variables = environment_of_home(folder / "bank", given)

    assert shop.database == f"sqlite:///{folder / 'shop' / 'helpdesk.db'}"
    assert bank.database == "postgresql://bank@host/helpdesk"
    assert (shop.secret_key, bank.secret_key, shop.tenants) == (None, None, None)
    assert (shop.max_message_chars, bank.max_message_chars, bank.vector_cache) == (100, 100, 9)
    assert {name: value for name, value in variables.items() if value} == {
        "A": "b",
        "HELPDESK_HOME": str(folder / "bank"),
        "HELPDESK_MAX_MESSAGE_CHARS": "100",
        "HELPDESK_DATABASE_URL": "postgresql://bank@host/helpdesk",
        "HELPDESK_VECTOR_CACHE": "9",
    }


def test_a_home_that_does_not_open_keeps_nobody_else(tenants: Tenants, folder: Path) -> None:
    """It says so, and is opened as soon as it can be."""
    database = folder / "bank" / "helpdesk.db"
    database.rename(folder / "aside")
    refused = ask(tenants, "bank.localhost")

    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    assert str(folder) not in refused.get_data(as_text=True)
    assert ask(tenants, "shop.localhost").status_code == 200
    (folder / "aside").rename(database)
    tenants.start()
    assert until_open(tenants, "bank.localhost")


def test_readiness_of_the_process_counts_its_tenants(tenants: Tenants, folder: Path) -> None:
    """Ready is who opened all that can be opened; a tenant's own host tells of that tenant."""
    shutil.rmtree(folder / "bank" / "bundles")
    (folder / "bank" / "helpdesk.db").unlink()

    def ready(host: str) -> tuple[int, Any]:
        found = Client(tenants).get("/readyz", base_url=f"http://{host}")
        return found.status_code, found.json

    assert ready("127.0.0.1") == (503, {"tenants": 2, "open": 0, "failed": 0})
    tenants.start()
    ask(tenants, "shop.localhost")
    ask(tenants, "bank.localhost")
    assert ready("127.0.0.1") == (200, {"tenants": 2, "open": 1, "failed": 1})
    assert ready("shop.localhost")[0] == 200


def test_a_new_home_is_noticed_and_one_that_is_gone_too(
    tenants: Tenants, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a restart."""
    monkeypatch.setattr("helpdesk.tenants.TENANTS_SECONDS", 0.05)
    shutil.copytree(folder / "bank", folder / "third", copy_function=share, ignore=shutil.ignore_patterns("secret_key"))
    assert ask(tenants, "third.localhost").status_code == 404
    shutil.rmtree(folder / "bank")
    tenants.start()
    for _ in range(200):
        statuses = [ask(tenants, f"{name}.localhost").status_code for name in ("shop", "third", "bank")]
        if statuses == [200, 200, 404]:
            break

    assert statuses == [200, 200, 404]


def test_one_that_takes_long_to_open_holds_nobody_else(
    tenants: Tenants, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for it meanwhile is told so, and after a failure only the process itself tries again."""
    monkeypatch.setenv("HELPDESK_DATABASE_TIMEOUT", "1")
    monkeypatch.setattr("helpdesk.tenants.REQUEST_PATIENCE", 0.01)
    with sqlite3.connect(folder / "bank" / "helpdesk.db", isolation_level=None) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with ThreadPoolExecutor() as pool:
            statuses = [found.status_code for found in pool.map(partial(ask, tenants), ["bank.localhost"] * 6)]
        assert statuses == [503] * 6
        assert ask(tenants, "shop.localhost").status_code == 200
        problem = tenants._tenants["bank"].problem
        other.execute("ROLLBACK")
    other.close()

    assert problem
    assert ask(tenants, "bank.localhost").status_code == 503
    monkeypatch.setattr("helpdesk.tenants.TENANTS_SECONDS", 0.05)
    tenants.start()
    assert until_open(tenants, "bank.localhost")


def test_a_home_that_is_renamed_is_served_under_its_new_name(
    tenants: Tenants, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its key is no other tenant's any more; and a link to a home does not keep the home out."""
    monkeypatch.setattr("helpdesk.tenants.TENANTS_SECONDS", 0.05)
    assert ask(tenants, "bank.localhost").status_code == 200
    courier = tenants._tenants["bank"].application.extensions["courier"]
    (folder / "bank").rename(folder / "savings")
    (folder / "a-link").symlink_to(folder / "shop")
    tenants.start()

    assert until_open(tenants, "savings.localhost")
    assert until_open(tenants, "shop.localhost")
    assert [ask(tenants, f"{name}.localhost").status_code for name in ("bank", "a-link")] == [404, 503]
    assert courier._stopped.is_set()


def test_a_try_that_fails_late_leaves_no_thread(
    tenants: Tenants, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried again every five seconds, for as long as nobody mends the settings."""
    (folder / "bank" / ".env").write_text("HELPDESK_LIMIT_STORE=nothing://like/it\n")
    monkeypatch.delenv("HELPDESK_LIMIT_STORE")
    before = threading.active_count()
    monkeypatch.setattr("helpdesk.tenants.TENANTS_SECONDS", 0.05)
    tenants.start()
    assert until_open(tenants, "shop.localhost")
    time.sleep(1)

    assert ask(tenants, "bank.localhost").status_code == 503
    assert threading.active_count() <= before + 4  # of `shop` three, and the one that looks


def test_two_homes_do_not_share_a_database(tenants: Tenants, folder: Path, tmp_path: Path) -> None:
    """As a copy would whose file names the database of the first."""
    ask(tenants, "shop.localhost")
    (folder / "bank" / ".env").write_text(f"HELPDESK_DATABASE_URL=sqlite:///{folder / 'shop' / 'helpdesk.db'}\n")

    assert ask(tenants, "bank.localhost").status_code == 503
    assert "same secret key or database" in (tenants._tenants["bank"].problem or "")
    listed = run_in(tmp_path, "tenants", "list").stdout.splitlines()
    assert [line.rpartition("\t")[2] for line in listed] == ["ok", "has the secret key or the database of bank"]


@pytest.fixture
def databases(postgresql_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The two homes over databases of one server."""
    monkeypatch.delenv("HELPDESK_DATABASE_URL")
    urls = {name: named(postgresql_url, f"tenant_{name}") for name in ("shop", "bank")}
    for name, url in urls.items():
        administer(postgresql_url, f"CREATE DATABASE tenant_{name} TEMPLATE template_helpdesk STRATEGY FILE_COPY")
        (folder / name / ".env").write_text(f"HELPDESK_DATABASE_URL={url}\n")
    yield urls
    for name in urls:
        administer(postgresql_url, f"DROP DATABASE tenant_{name} WITH (FORCE)")


@pytest.fixture
def served(databases: dict[str, str]) -> Iterator[Tenants]:
    """What one process answers with; nothing goes on when its databases go."""
    made = Tenants(load_settings())
    yield made
    for tenant in made._tenants.values():
        made._close(tenant)


def test_tenants_over_one_postgresql_server(served: Tenants, folder: Path) -> None:
    """Each has a database of its own there."""
    statuses = [ask(served, f"{name}.localhost").status_code for name in ("shop", "bank", "shop")]

    assert statuses == [200, 200, 200]
    assert [stored(folder / name) for name in ("shop", "bank")] == [2, 1]


def test_two_homes_do_not_share_a_database_of_a_server(
    databases: dict[str, str], served: Tenants, folder: Path, postgresql_url: str
) -> None:
    """However its address is written, and whoever logs in there."""
    administer(postgresql_url, "CREATE ROLE clerk LOGIN IN ROLE pg_read_all_data, pg_write_all_data")
    other = make_url(databases["shop"]).set(username="clerk").update_query_dict({"application_name": "bank"})
    (folder / "bank" / ".env").write_text(f"HELPDESK_DATABASE_URL={other.render_as_string(hide_password=False)}\n")
    statuses = [ask(served, f"{name}.localhost").status_code for name in ("shop", "bank")]

    assert statuses == [200, 503]
    assert "same secret key or database" in (served._tenants["bank"].problem or "")


def test_a_server_that_tells_no_number_is_known_by_its_address(databases: dict[str, str], folder: Path) -> None:
    """As one of a provider may be, whose users may not ask for it."""
    administer(databases["shop"], "CREATE ROLE guest LOGIN IN ROLE pg_read_all_data")
    administer(databases["shop"], "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    guest = make_url(databases["shop"]).set(username="guest").render_as_string(hide_password=False)
    database = open_database(load_settings(home=folder / "shop", database_url=guest))
    identity = database.identity()
    database.close()

    assert identity.endswith(":5432/tenant_shop")


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Within, threads take turns as often as they can, also while Python's own code collects garbage."""
    interval, thresholds = sys.getswitchinterval(), gc.get_threshold()

    def take_turns(*_: object) -> None:
        sum(range(50))

    gc.callbacks.append(take_turns)
    gc.set_threshold(20, 5, 1_000_000)
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)
    gc.set_threshold(*thresholds)
    gc.callbacks.remove(take_turns)


@pytest.mark.usefixtures("hasty_threads")
def test_two_applications_can_be_made_at_once(folder: Path) -> None:
    """While one is opened because somebody asks for it, another one may be opened in the background."""
    settings = [settings_of_home(folder / name) for name in ("shop", "bank")]
    with ThreadPoolExecutor(2) as pool:
        applications = list(pool.map(create_app, settings))
    for application in applications:
        close_app(application)

    assert len(applications) == 2


@pytest.mark.parametrize("many", [True, False])
def test_wsgi_serves_what_the_settings_say(folder: Path, monkeypatch: pytest.MonkeyPatch, *, many: bool) -> None:
    """One home, or those of the folder."""
    if not many:
        monkeypatch.setenv("HELPDESK_TENANTS", "")
        monkeypatch.setenv("HELPDESK_HOME", str(folder / "shop"))
    application = run_path(str(Path(__file__).parent.parent / "wsgi.py"))["application"]
    status = ask(application, "nobody.localhost").status_code
    application.stop() if many else close_app(application)

    assert status == (404 if many else 200)


def test_a_file_of_settings_that_is_no_text_is_of_one_tenant(folder: Path, tmp_path: Path) -> None:
    """The others are listed, and commands run for them."""
    (folder / "bank" / ".env").write_bytes(b"A=caf\xe9")
    said = run_in(tmp_path, "tenants", "list").stdout
    done = subprocess.run([*HELPDESK, "tenants", "run", "versions"], capture_output=True, text=True, timeout=120)

    assert "is not UTF-8 at byte 5" in said
    assert said.splitlines()[1].endswith("\tok")
    assert done.returncode == 1
    assert " first " in done.stdout.partition("== shop")[2]


def until_open(tenants: Tenants, host: str) -> bool:
    """Whether a message is answered within a minute."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        if ask(tenants, host).status_code == 200:
            return True
        time.sleep(0.05)
    return False


def test_equal_encoders_are_in_memory_once(tenants: Tenants) -> None:
    """Until a tenant has trained one of its own."""
    ask(tenants, "shop.localhost")
    ask(tenants, "bank.localhost")
    encoders = {
        id(tenant.application.extensions["helpdesk"].live.take().matcher.bundle.encoder)
        for tenant in tenants._tenants.values()
    }

    assert len(encoders) == 1


def test_a_command_runs_for_each_tenant(folder: Path, tmp_path: Path) -> None:
    """One that fails stops no other, and the exit code tells of it."""
    (folder / "shop" / "helpdesk.db").write_bytes(b"damaged")
    (folder / "third").mkdir()
    (folder / "third" / "helpdesk.db").write_bytes((folder / "bank" / "helpdesk.db").read_bytes())
    (folder / "third" / "secret_key").write_bytes(b"caf\xe9")
    said = run_in(tmp_path, "tenants", "list").stdout
    shutil.rmtree(folder / "third")
    words = [*HELPDESK, "tenants", "run"]
    done = subprocess.run([*words, "versions"], capture_output=True, text=True, timeout=120)
    only = subprocess.run([*words, "--only", "bank", "versions"], capture_output=True, text=True, timeout=120)
    unknown = subprocess.run([*words, "--only", "nobody", "versions"], capture_output=True, text=True, timeout=120)

    lines = dict(line.split("\t", 1) for line in said.splitlines())
    assert not (folder / "bank" / "secret_key").exists(), "to list makes nothing"
    assert list(lines) == ["bank", "shop", "third"]
    assert "secret_key cannot be read" in lines["third"]
    assert lines["bank"].endswith("\tok")
    assert "database" in lines["shop"]
    assert done.returncode == 1
    assert "== bank" in done.stdout
    assert "failed for shop" in done.stderr
    assert only.returncode == 0
    assert "== shop" not in only.stdout
    assert unknown.returncode == 1
    assert "there is no tenant 'nobody'; there are bank, shop" in unknown.stderr


def test_no_command_runs_for_each_in_processes_of_torchrun(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They meet once, and would wait for each other at the second home."""
    for name, value in {"TORCHELASTIC_RUN_ID": "none", "RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([*HELPDESK, "tenants", "run", "versions"], capture_output=True, text=True, timeout=120)

    assert done.returncode == 1
    assert "torchrun is for the night of one home" in done.stderr


def test_a_folder_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the commands and by the service."""
    monkeypatch.setenv("HELPDESK_TENANTS", str(tmp_path / "nowhere"))
    with pytest.raises(BadInputError, match=r"HELPDESK_TENANTS is '.*nowhere'; expected a folder"):
        tenant_homes(load_settings())

    assert "expected a folder with a home for each tenant" in run_in(tmp_path, "serve", code=1).stderr


def wait_for(url: str) -> None:
    """Until it says 200; a minute at most."""
    patience = time.monotonic() + 60
    while time.monotonic() < patience:
        with suppress(httpx.HTTPError):
            if plain_http.get(url, timeout=2).status_code == 200:
                return
        time.sleep(0.1)


def test_one_service_answers_for_all(folder: Path, tmp_path: Path) -> None:
    """Real gunicorn, by `helpdesk serve`."""
    node = Node(tmp_path, dict(os.environ))
    node.start()
    try:
        wait_for(f"http://127.0.0.1:{node.port}/readyz")
        answers = {
            name: plain_http.post(
                f"http://127.0.0.1:{node.port}/webhooks/rest/webhook",
                json={"sender": "visitor", "message": QUESTION},
                headers={"Host": f"{name}.example.org"},
                timeout=30,
            ).status_code
            for name in ("shop", "bank", "nobody")
        }
    finally:
        node.end()

    lines = [json.loads(line) for line in (tmp_path / "serve.log").read_text().splitlines() if line.startswith("{")]
    serving = {line.get("tenant") for line in lines if line["logger"] == "helpdesk.serving.live"}

    opened = {(line["event"], line["tenant"], "request_id" in line) for line in lines if " is open" in line["event"]}

    assert answers == {"shop": 200, "bank": 200, "nobody": 404}
    assert serving == {"shop", "bank"}
    assert opened == {(f"tenant {name} is open", name, False) for name in ("shop", "bank")}
    assert (stored(folder / "shop"), stored(folder / "bank")) == (1, 1)
