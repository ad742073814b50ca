"""The quickstart, done as it is written: its commands in a clean folder, its clicks in a real browser."""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import plain_http
import pytest
from playwright.sync_api import Browser, Page, expect
from test_behind_nginx import free_port

pytestmark = [pytest.mark.slow, pytest.mark.browser]

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "quickstart.md"
GOES_ON = ("helpdesk serve", "python3 -m http.server")
SECONDS = 20


class Reader:
    """Somebody who types what the page says. Ports are others, so that tests may run beside each other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {"8000": str(free_port()), "8080": str(free_port())}
        self.running: list[subprocess.Popen[bytes]] = []
        parts = re.split(r"^## (?=\d)", PAGE.read_text(), flags=re.MULTILINE)
        self.steps = {int(part[0]): part for part in parts[1:]}
        own = {name: value for name, value in os.environ.items() if not name.startswith("HELPDESK_")}
        path = f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}"
        self.environment = own | {"PATH": path, "HELPDESK_PORT": self.ports["8000"], "HF_HUB_OFFLINE": "1"}

    def here(self, text: str) -> str:
        """A text of the page with this test's ports."""
        return re.sub(r"\b(8000|8080)\b", lambda port: self.ports[port[1]], text)

    def typed(self, step: int) -> list[str]:
        """What is to be typed into the chat or a form in a step, or opened."""
        return re.findall(r"^> (.+)$", self.steps[step], flags=re.MULTILINE)

    def links(self, step: int) -> list[str]:
        """The addresses to open in a step."""
        return [self.here(link) for link in re.findall(r"<(http://[^>]+)>", self.steps[step])]

    def do(self, step: int) -> str:
        """Run the commands of a step; those that go on are left running. What the others printed."""
        printed = ""
        for block in re.findall(r"(?:^    .*\n)+", self.steps[step], flags=re.MULTILINE):
            commands = self.here(textwrap.dedent(block)).strip()
            if re.match(r"[a-z]+ \([a-z]+\)", commands):
                continue  # what a command prints
            commands = re.sub(r"^\. \.venv/bin/activate\n", "", commands)
            ended, last = ("", commands) if "\n" not in commands else commands.rsplit("\n", 1)
            if last.startswith(GOES_ON):
                printed += self.run(ended)
                log = (self.folder / "log").open("a")
                process = subprocess.Popen(
                    ["bash", "-c", f"exec {last}"], cwd=self.folder, env=self.environment, stdout=log, stderr=log
                )
                self.running.append(process)
            else:
                printed += self.run(commands)
        return printed

    def run(self, commands: str) -> str:
        """Run lines in a shell that stops at the first fault."""
        done = subprocess.run(
            ["bash", "-ec", commands],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=900,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    """A reader in a clean folder; what still runs is ended afterwards."""
    made = Reader(tmp_path)
    yield made
    for process in made.running:
        process.terminate()
        process.wait(60)


@pytest.fixture
def pages(browser: Browser) -> Iterator[tuple[Page, Page]]:
    """A customer's window and one of the desk."""
    customer, desk = browser.new_page(), browser.new_page()  # each in a context of its own
    yield customer, desk
    customer.close()
    desk.close()


def wait_for(url: str) -> None:
    """Until it answers 200."""
    for _ in range(SECONDS * 10):
        try:
            if plain_http.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(url)


def test_the_quickstart_does_what_it_says(reader: Reader, pages: tuple[Page, Page]) -> None:
    """An own FAQ, a bot on a page of another origin, a person's reply, a label, a night, and what it taught."""
    customer, desk = pages
    said = reader.do(2)
    login = re.search(r"admin / (\S+)", said)
    assert login
    assert "answer (confident), version 1" in said
    reader.do(3)
    wait_for(f"{reader.links(3)[0]}/readyz")
    reader.do(4)
    (site,) = reader.links(4)
    wait_for(site)

    customer.goto(site)
    customer.get_by_role("button", name="Open the chat").click()
    ask(customer, reader.typed(4)[0])
    expect(customer.get_by_text("Send it back within 30 days.")).to_be_visible()

    unknown, reply = reader.typed(5)
    ask(customer, unknown)
    customer.get_by_role("button", name="None of these").click()
    expect(customer.get_by_text("passed your message on")).to_be_visible()
    desk.goto(reader.links(5)[0])
    desk.get_by_label("Name").fill("admin")
    desk.get_by_label("Password").fill(login[1])
    desk.get_by_label("Password").press("Enter")
    desk.locator("main a[href*='/desk/inbox/']").first.click()
    desk.get_by_role("button", name="Take", exact=True).click()
    desk.get_by_label("To the customer").fill(reply)
    desk.get_by_role("button", name="Send", exact=True).click()
    expect(customer.get_by_text(reply)).to_be_visible(timeout=SECONDS * 1000)
    desk.get_by_role("button", name="Close", exact=True).click()

    question, answer = reader.typed(6)
    desk.goto(reader.links(6)[0])
    desk.wait_for_selector(".card[data-ready]")
    assert desk.locator("h1.message").inner_text() == unknown
    desk.keyboard.press("n")
    desk.get_by_label("Question").fill(question)
    desk.get_by_label("Answer").fill(answer)
    desk.get_by_role("button", name="Create and label").click()
    expect(desk.locator(".said")).to_contain_text("is published")

    assert "version 2 (refreshed) is in service" in reader.do(7)
    ask(customer, reader.typed(7)[0])
    expect(customer.get_by_text(answer)).to_be_visible(timeout=SECONDS * 1000)


def ask(page: Page, text: str) -> None:
    """Type a message into the widget."""
    page.get_by_label("Your message").fill(text)
    page.get_by_label("Your message").press("Enter")
