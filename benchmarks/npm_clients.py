"""Chat components of others, as their authors publish them, in Chromium against a real server: do they work with ours?

    for name in deep-chat @scalableminds/chatroom; do mkdir -p "$name" && tar xzf "$(npm pack "$name")" -C "$name"; done
    python benchmarks/npm_clients.py --deep-chat deep-chat/package --chatroom @scalableminds/chatroom/package

Deep Chat speaks to its own door, as docs/how-to/connect-a-widget.md has it, Chatroom to Rasa's REST channel. Each asks
something that has an answer and something unclear, presses a choice, and Deep Chat is told what is wrong in words.
Prints a line a step; ends with 1 at the first that fails. The packages are no part of the tests, which fetch nothing
from a registry of another language. Pictures go into `--pictures`.
"""

import argparse
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Page, expect, sync_playwright
from services import free_port, helpdesk_service

from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records.database import open_database
from helpdesk.settings import temporary_settings

CHROMIUM = "/usr/bin/chromium"
KNOWN, ANSWER = "I forgot my password", re.compile("self-service|password", re.IGNORECASE)
UNCLEAR, ASKED = "password", "Which of these do you mean?"
GUIDE = Path(__file__).parent.parent / "docs" / "how-to" / "connect-a-widget.md"
DEEP_CHAT = re.compile(r" *<script[^>]*deepChat.bundle.js.*?</deep-chat>.*?</script>", re.DOTALL)  # as the guide has it
CHATROOM = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="chatroom/dist/Chatroom.css">
<div class="chat-container"></div><script src="chatroom/dist/Chatroom.js"></script><script>
const room = new window.Chatroom({{ host: "{url}", title: "Help", container: document.querySelector(".chat-container"),
  welcomeMessage: "Hello" }});
room.openChat();
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    """The site of somebody else, without a line for each request."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Start server, site and browser, and try each component."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--deep-chat", type=Path, help="folder of the unpacked package deep-chat")
    parser.add_argument("--chatroom", type=Path, help="folder of the unpacked package @scalableminds/chatroom")
    parser.add_argument("--pictures", type=Path, help="where a picture of each is put")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        site, settings = Path(folder) / "site", temporary_settings(Path(folder) / "home", port=free_port())
        url = f"http://127.0.0.1:{settings.port}"
        pages = lay_out(site, url, {"deep-chat": options.deep_chat, "chatroom": options.chatroom})
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site)))
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        os.environ |= {"HELPDESK_DEEP_CHAT": "true", "HELPDESK_ALLOWED_ORIGINS": origin}
        database = open_database(settings)
        list(set_up(settings, database, starter_faq=True, progress=Bars()))
        database.close()
        with helpdesk_service(settings), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for name in pages:
                page = browser.new_page(base_url=origin, viewport={"width": 700, "height": 700})
                page.on("pageerror", lambda error: print(f"  error on the page: {error}"))
                TRIALS[name](page)
                if options.pictures:
                    page.screenshot(path=options.pictures / f"{name}.png")
            browser.close()


def lay_out(site: Path, url: str, packages: dict[str, Path | None]) -> list[str]:
    """A page for each component that is given, with its files beside it; their names."""
    given = {name: package for name, package in packages.items() if package is not None}
    for name, package in given.items():
        shutil.copytree(package, site / name)
        version = re.search(r'"version": *"([^"]+)"', (package / "package.json").read_text())
        print(f"{name} {version[1] if version else ''}")
    found = DEEP_CHAT.search(GUIDE.read_text())
    assert found
    page = found[0].replace("https://help.example.com", url).replace('src="/', 'src="/deep-chat/dist/')
    (site / "deep.html").write_text(page)
    (site / "wrong.html").write_text(page.replace("sessionId: visitor", "sessionId: -5"))
    (site / "room.html").write_text(CHATROOM.format(url=url))
    return list(given)


def try_deep_chat(page: Page) -> None:
    """Answer, choices as buttons, a press, and an error in words."""
    page.goto("/wrong.html")
    _type_deep_chat(page, KNOWN)
    expect(page.locator(".error-message-text")).to_contain_text("sessionId is -5; expected text")
    print("  what is wrong is shown")
    page.goto("/deep.html")
    answers = page.locator(".ai-message-text:not(.html-message):not(.deep-chat-loading-message-bubble)")
    _type_deep_chat(page, KNOWN)
    expect(answers).to_have_count(1)
    expect(answers.last).to_contain_text(ANSWER)
    print(f"  {KNOWN!r} is answered: {answers.last.inner_text()[:60]!r}")
    _type_deep_chat(page, UNCLEAR)
    expect(answers.last).to_contain_text(ASKED)
    buttons = page.locator(".deep-chat-suggestion-button")
    choice = buttons.first.inner_text()
    print(f"  {UNCLEAR!r} is asked back, with {buttons.count()} buttons")
    buttons.first.click()
    expect(page.locator(".user-message-text").last).to_contain_text(choice)
    expect(answers.last).not_to_contain_text(ASKED)
    print(f"  the press on {choice!r} is answered: {answers.last.inner_text()[:60]!r}")


def _type_deep_chat(page: Page, text: str) -> None:
    page.locator("#text-input").click()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def try_chatroom(page: Page) -> None:
    """Answer, choices as buttons, a press."""
    page.goto("/room.html")
    answers = page.locator(".chat .bot, .chats .chat.left")
    _type_chatroom(page, KNOWN)
    expect(answers.last).to_contain_text(ANSWER)
    print(f"  {KNOWN!r} is answered: {answers.last.inner_text()[:60]!r}")
    _type_chatroom(page, UNCLEAR)
    buttons = page.locator(".chat-button")
    expect(buttons.first).to_be_visible()
    choice = buttons.first.inner_text()
    print(f"  {UNCLEAR!r} is asked back, with {buttons.count()} buttons")
    buttons.first.click()
    expect(answers.last).not_to_contain_text(ASKED)
    print(f"  the press on {choice!r} is answered: {answers.last.inner_text()[:60]!r}")


def _type_chatroom(page: Page, text: str) -> None:
    page.locator("input[type=text]").fill(text)
    page.keyboard.press("Enter")


TRIALS: dict[str, Callable[[Page], None]] = {"deep-chat": try_deep_chat, "chatroom": try_chatroom}


if __name__ == "__main__":
    main()
