"""How long one waits for the next card of the labelling desk: messages labelled by keyboard in a real browser.

    python benchmarks/desk.py                   # 50 cards with 50,000 messages stored
    python benchmarks/desk.py --messages 500000 --cards 200

From the press of a key until the next card can be read, with the server that `helpdesk serve` starts. The quarter of a
second in which a card takes no key is not waited for: it passes while one reads.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from pages import NAME, PASSWORD, make
from playwright.sync_api import Page, sync_playwright
from services import free_port, helpdesk_service

from helpdesk.records.database import open_database
from helpdesk.settings import temporary_settings

CHROMIUM = "/usr/bin/chromium"
WARM = 40  # first cards: each thread of both workers opens its connection and reads its templates
MOST = 150.0  # ms at the 95th percentile
KEYS = ("1", "x", "2", "i")
PRESSED = """key => {
    sessionStorage.setItem("pressed", String(Date.now()));
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}"""
SHOWN = """() => {
    const navigation = performance.getEntriesByType("navigation")[0];
    return performance.timeOrigin + navigation.domContentLoadedEventEnd - Number(sessionStorage.getItem("pressed"));
}"""


def main() -> None:
    """Fill a home, label, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=50_000)
    parser.add_argument("--cards", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        settings = temporary_settings(Path(folder), port=free_port())
        database = open_database(settings)
        make(settings, database, options.messages)
        database.close()
        with helpdesk_service(settings):
            waits = label(f"http://127.0.0.1:{settings.port}", options.cards)
    quantiles = statistics.quantiles(waits, n=20)
    print(
        f"{len(waits)} cards with {options.messages:,} messages: {statistics.median(waits):.0f} ms at the median, ",
        end="",
    )
    print(f"{quantiles[-1]:.0f} ms at the 95th percentile (at most {MOST:.0f})")


def label(url: str, cards: int) -> list[float]:
    """The milliseconds from each key to the next card."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(base_url=url)
        page.goto("/login")
        page.fill("[name=name]", NAME)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/desk*")
        for _ in range(WARM):
            _press(page, "x")
        waits = [_press(page, KEYS[number % len(KEYS)]) for number in range(cards)]
        browser.close()
    return waits


def _press(page: Page, key: str) -> float:
    page.wait_for_selector(".card[data-ready]")
    with page.expect_navigation(wait_until="domcontentloaded"):
        page.evaluate(PRESSED, key)
    page.wait_for_selector(".card")
    return float(page.evaluate(SHOWN))


if __name__ == "__main__":
    main()
