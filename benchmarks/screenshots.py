"""The pictures of the documents, taken from the demo: `make screenshots`. Needs Debian's chromium."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parent.parent / "docs"
_HELPDESK = "from helpdesk.cli.main import main; main()"
SIZE = {"width": 1280, "height": 800}
PAGES = {  # picture -> page
    "labelling": "/desk",
    "queue": "/desk/queue",
    "faq": "/desk/faq",
    "report": "/desk/report",
    "conversations": "/desk/conversations",
    "people": "/desk/people",
}
FILE = (
    "Question;Answer\n"
    "How do I reset a forgotten password?;Call the service desk.\n"
    "Where do I park?;Behind the house.\n"
    "How do I get a badge?;At the reception.\n"
    "My mailbox is full.;\n"
)


@contextmanager
def demo() -> Iterator[tuple[str, str]]:
    """A running demo; its address and the admin's password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        said = Path(folder) / "demo.log"
        with said.open("w") as log:
            command = [sys.executable, "-c", _HELPDESK, "demo", "--port", str(port)]
            process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"TMPDIR": folder})
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process, said)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def wait_for(address: str, process: "subprocess.Popen[bytes]", said: Path) -> tuple[str, str]:
    """The address once it answers, and the password that was printed."""
    while True:
        if process.poll() is not None:
            raise SystemExit(said.read_text())
        try:
            if httpx.get(f"{address}/readyz", timeout=5).status_code == 200:
                break
        except httpx.HTTPError:
            pass
        time.sleep(1)
    found = re.search(r"admin / (\S+)", said.read_text())
    if found is None:
        raise SystemExit(f"no password in {said.read_text()!r}")
    return address, found[1]


def log_in(page: Page, address: str, password: str) -> None:
    """As anybody does."""
    page.goto(f"{address}/login")
    page.locator("[name=name]").fill("admin")
    page.locator("[name=password]").fill(password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk*")


def take(page: Page, name: str) -> None:
    """Write a picture of what is in the window."""
    page.wait_for_load_state("networkidle")
    page.screenshot(path=DOCS / f"{name}.png")
    print(f"{name}.png: {(DOCS / f'{name}.png').stat().st_size / 1000:.0f} kB")


def talk(page: Page, address: str) -> None:
    """Two questions in the widget, one that is answered and one that is asked back."""
    page.goto(address)
    page.locator(".launcher").click()
    for text, outcome in (("cant log in to vpn", "answer"), ("printer", "clarify")):
        page.locator("#message").fill(text)
        page.locator("#message").press("Enter")
        page.locator(f'[data-decision="{outcome}"]').wait_for()


def main() -> None:
    """Take them all."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with demo() as (address, password), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")  # type: ignore[arg-type]
        log_in(page, address, password)
        for name, path in PAGES.items():
            page.goto(address + path)
            take(page, name)
        page.goto(f"{address}/desk/faq?q=vpn")
        page.get_by_role("link", name="The VPN does not connect").first.click()
        take(page, "faq-entry")
        page.goto(f"{address}/desk/faq/import")
        file = {"name": "faq.csv", "mimeType": "text/csv", "buffer": FILE.encode()}
        page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
        page.locator("form:has(input[type=file]) button").first.click()
        take(page, "import-preview")
        talk(page, f"{address}/demo")
        take(page, "widget")
        browser.close()


if __name__ == "__main__":
    main()
