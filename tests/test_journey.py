"""The proof against real gunicorn: message, fallback, label, retrain, swap, answer, rollback, nothing failing."""

import itertools
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import plain_http
import psutil
import pytest
from commands import HELPDESK, run_in
from homes import share
from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

UNKNOWN = "the coffee badge reader blinks orange"
VARIANTS = [
    "coffee badge reader is blinking",
    "orange light on the coffee badge reader",
    "badge reader at the coffee corner",
]
PARAPHRASE = "orange blinking reader for the coffee badge"
READY = ".card[data-ready]"  # it takes keys
BY_KEY = "where do i put an empty toner cartridge"


class Server:
    """A helpdesk home served by real gunicorn with two workers."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            self.port: int = listener.getsockname()[1]
        self.home = home
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = os.environ | {"HELPDESK_HOME": str(home), "HELPDESK_PORT": str(self.port)}
        self.environment |= {"HF_HUB_OFFLINE": "1", "HELPDESK_WORKERS": "2"}

    def run(self, *words: str) -> str:
        """A command in this home."""
        done = subprocess.run([*HELPDESK, *words], capture_output=True, text=True, env=self.environment, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def say(self, text: str, sender: str = "visitor") -> dict[str, Any]:
        """The webhook's answer to a message; it must succeed."""
        response = plain_http.post(
            f"{self.url}/webhooks/rest/webhook", json={"sender": sender, "message": text}, timeout=30
        )
        assert response.status_code == 200, response.text
        element: dict[str, Any] = response.json()[0]
        return element

    def versions(self) -> set[int]:
        """The versions that replies carry just now; many, so that both workers speak. Nobody says much in a minute."""
        return {self.say(f"paper jam {n}", sender=f"looker-{n}")["custom"]["version"] for n in range(12)}


@pytest.fixture(scope="module")
def server(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`helpdesk serve` in a home that `helpdesk init` made."""
    home = tmp_path_factory.mktemp("journey") / "home"
    made = Server(Path(shutil.copytree(starter_home, home, copy_function=share)))
    password = re.search(r"admin / (\S+)", (home / "init.log").read_text())
    assert password
    made.environment["ADMIN_PASSWORD"] = password[1]
    process = subprocess.Popen([*HELPDESK, "serve"], env=made.environment, stdout=subprocess.DEVNULL)
    _wait(lambda: plain_http.get(f"{made.url}/readyz", timeout=5).status_code == 200)
    yield made
    process.terminate()
    process.wait(60)


@pytest.fixture(scope="module")
def stream(server: Server) -> Iterator[list[str]]:
    """A steady stream of messages all along; every failure of one is kept."""
    failures: list[str] = []
    stop = threading.Event()

    def send() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            try:
                server.say(f"my printer has jam number {number}", sender=f"stream-{number % 9}")
            except (AssertionError, httpx.HTTPError) as error:
                failures.append(f"{number}: {error!r}")
            time.sleep(0.05)

    thread = threading.Thread(target=send)
    thread.start()
    yield failures
    stop.set()
    thread.join()


def test_the_loop_closes(server: Server, stream: list[str]) -> None:
    """Unknown today, labelled by form, answered after the night, paraphrase included; rollback undoes it."""
    for text in (UNKNOWN, *VARIANTS, PARAPHRASE):
        assert server.say(text)["custom"]["decision"] != "answer", text
    _label_in_the_form(server, UNKNOWN, "The coffee badge reader blinks.", "Hold your badge to it for five seconds.")
    slug = "the_coffee_badge_reader_blinks"
    for text in VARIANTS:
        _label_with(server, text, slug)

    assert "is in service" in run_in(server.home, "retrain", "--no-finetune").stdout
    _wait(lambda: server.versions() == {2}, seconds=4)
    for text in (UNKNOWN, VARIANTS[0], PARAPHRASE):
        element = server.say(text)
        assert element["custom"].get("intent") == slug, (text, element)
        assert element["custom"]["version"] == 2
        assert element["text"] == "Hold your badge to it for five seconds."

    server.run("rollback")
    _wait(lambda: server.versions() == {1}, seconds=4)
    assert server.say(VARIANTS[1])["custom"]["version"] == 1
    assert server.say(VARIANTS[1])["custom"].get("intent") != slug
    assert stream == []


@pytest.mark.browser
def test_staff_label_by_keyboard_in_a_browser(browser: Browser, server: Server, stream: list[str]) -> None:
    """Log in, press one key: the message is labelled and the next card is there."""
    message_id = server.say(BY_KEY)["custom"]["message_id"]
    page = browser.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(f"{server.url}/login?next=/desk%3Fitem={message_id}")
    page.wait_for_selector("input[name=name]:focus")
    page.keyboard.type("admin")
    page.keyboard.press("Tab")
    page.keyboard.type(server.environment["ADMIN_PASSWORD"])
    page.keyboard.press("Enter")
    page.wait_for_selector(READY)
    assert page.locator("h1.message").inner_text() == BY_KEY
    first = page.locator('[data-key="1"] .question').inner_text().splitlines()[0]
    page.keyboard.press("/")
    page.keyboard.type("1")
    assert page.locator(".said").count() == 0, "keys are dead while typing"
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.wait_for_selector(f".said ~ {READY}")
    assert f"Labelled as “{first}”." in page.locator(".said").inner_text()
    page.keyboard.press("u")
    page.wait_for_selector(".said:has-text('Undone')")
    assert page.locator("h1.message").inner_text() == BY_KEY
    assert problems == []
    page.close()


@pytest.mark.browser
def test_the_chat_page_answers_and_offers_choices(browser: Browser, server: Server, stream: list[str]) -> None:
    """Typed text in, text out; what a person typed is never markup."""
    page = browser.new_page()
    page.goto(server.url)
    page.get_by_label("Your message").click()
    page.keyboard.type("forgot my password")
    page.keyboard.press("Enter")
    page.wait_for_selector('.bot[data-decision="answer"]')
    assert "self-service page" in page.locator('.bot[data-decision="answer"]').inner_text()
    page.keyboard.type("<img src=x onerror=alert(1)>")
    page.keyboard.press("Enter")
    page.wait_for_selector(".me:has-text('onerror')")
    assert page.locator("#log img").count() == 0
    page.close()


def test_a_killed_worker_loses_nothing(server: Server, stream: list[str]) -> None:
    """kill -9 of one worker after a reply: the message is in the database, the next one is answered."""
    import sqlite3

    message_id = server.say("a message just before the crash")["custom"]["message_id"]
    failures = len(stream)
    _master(server).children()[0].kill()
    _wait(lambda: plain_http.get(f"{server.url}/readyz", timeout=5).status_code == 200)

    with sqlite3.connect(server.home / "helpdesk.db") as database:
        (text,) = database.execute("SELECT text FROM messages WHERE id = ?", (message_id,)).fetchone()
    assert text == "a message just before the crash"
    time.sleep(2)
    assert server.say("still there?")["custom"]["message_id"] > message_id
    del stream[failures:]  # the killed worker's own in-flight requests may fail


def test_a_workers_memory_stays_small(server: Server) -> None:
    """Under 400 MB, and no torch in it."""
    workers = _master(server).children()

    assert len(workers) == 2
    for worker in workers:
        assert worker.memory_info().rss < 400e6
        assert not any("libtorch" in area.path for area in worker.memory_maps())


@pytest.mark.parametrize("body", [b"zz\r\n{}\r\n0\r\n\r\n", b"5\r\n{}\r\n0\r\n\r\n"], ids=["length", "end"])
def test_a_body_that_is_not_framed_is_the_senders_fault(server: Server, body: bytes) -> None:
    """No fault of ours is said or logged."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"POST /api/v1/match HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
        client.sendall(b"Transfer-Encoding: chunked\r\n\r\n" + body)
        said = client.recv(4096)

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in said


def test_the_master_shares_its_code_and_has_no_thread(server: Server) -> None:
    """A fork with threads could stop for ever; ONNX Runtime begins one when it is loaded."""
    master = _master(server)

    assert master.num_threads() == 1
    assert any("_multiarray_umath" in area.path for area in master.memory_maps())
    assert not any(name in area.path for area in master.memory_maps() for name in ("onnxruntime", "ctranslate2"))


def _master(server: Server) -> psutil.Process:
    """gunicorn's first process; whoever listens is that or one of its workers."""
    listener = next(c.pid for c in psutil.net_connections("tcp") if c.laddr and c.laddr.port == server.port and c.pid)
    process = psutil.Process(listener)
    master = process if process.children() else process.parent()
    assert master is not None
    return master


@contextmanager
def _logged_in(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, follow_redirects=True) as client:
        form = {"csrf_token": _token(client.get("/login").text), "name": "admin"}
        page = client.post("/login", data=form | {"password": server.environment["ADMIN_PASSWORD"]})
        assert "Log out" in page.text
        yield client


def _label_in_the_form(server: Server, text: str, question: str, answer: str) -> None:
    """A new FAQ made of a message, by HTTP with login and CSRF."""
    with _logged_in(server) as client:
        item = server.say(text)["custom"]["message_id"]
        page = client.get(f"/desk?item={item}").text
        fields = _hidden(page) | {"question": question, "answer": answer}
        assert "is published" in client.post(f"/desk/{item}/faq", data=fields).text


def _label_with(server: Server, text: str, slug: str) -> None:
    with _logged_in(server) as client:
        item = server.say(text)["custom"]["message_id"]
        page = client.get(f"/desk?item={item}").text
        fields = _hidden(page) | {"label": f"intent:{slug}"}
        assert "Labelled as “" in client.post(f"/desk/{item}/label", data=fields).text


def _hidden(page: str) -> dict[str, str]:
    """What a card's forms carry unseen."""
    return dict(re.findall(r'name="(csrf_token|seen)" value="([^"]+)"', page))


def _token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def _wait(done: Callable[[], bool], seconds: float = 60) -> None:
    """Until it is so; a connection that is refused means not yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if done():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise AssertionError(f"not so after {seconds} s")
