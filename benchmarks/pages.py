"""How long each staff page and the metrics take with half a million messages stored, on the clock and of the processor.

    python benchmarks/pages.py                  # 500,000 messages over a year, in a temporary SQLite home
    python benchmarks/pages.py --home DIR       # the same, kept in DIR and used again
    python benchmarks/pages.py --messages 5000000 --home DIR --only "/desk "
    python benchmarks/pages.py --home DIR --database postgresql+psycopg:///helpdesk     # an empty one

`--analyze` first lets the database look at its tables. SQLite works in this process, so its time is in the processor's;
PostgreSQL works in another one, so there the clock counts.
Every route that answers GET and has no argument is asked for, those added later too, and what is listed in MORE.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from history import ACTIONS, DAYS, FAQS, PLACES, SUBJECTS, fill
from home import night
from sqlalchemy import text

from helpdesk.app import create_app
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records import faq, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database
from helpdesk.records.day_totals import count_days
from helpdesk.records.faq import Entry
from helpdesk.records.roles import Role
from helpdesk.settings import Settings, temporary_settings
from helpdesk.web.policy import PUBLIC

NAME, PASSWORD = "benchmark", "not a real login"
MOST = {"/desk": 60.0, "metrics": 20.0}  # milliseconds of the processor
MOST_ELSEWHERE = 200.0
MORE = {  # pages that a route without argument does not show
    "metrics": "/metrics",
    "text, common": "/desk/conversations?q=password",
    "text, rare": "/desk/conversations?q=no+such+words+at+all",
    "not answered": "/desk/conversations?outcome=not_answered",
    "one FAQ": "/desk/conversations?faq=faq_7",
    "one sender": "/desk/conversations?sender=person-77",
    "one month": "/desk/conversations?from={month}&to={day}&q=vpn",
    "a thread": "/desk/conversations/1",
    "a long thread": "/desk/conversations/2",
    "report, 7 days": "/desk/report?days=7",
    "report, one channel": "/desk/report?channel=teams",
    "report, 90 days": "/desk/report?days=90",
    "report, a year": "/desk/report?from={year}&to={day}",
    "volume.csv": "/desk/report/volume.csv",
    "outcomes.csv": "/desk/report/outcomes.csv",
    "faqs.csv": "/desk/report/faqs.csv",
    "gaps.csv": "/desk/report/gaps.csv",
    "confused.csv": "/desk/report/confused.csv",
    "labellers.csv": "/desk/report/labellers.csv",
    "golden.csv": "/desk/report/golden.csv",
    "nights.csv": "/desk/report/nights.csv",
    "queue by count": "/desk/queue?sort=count",
    "queue, newest": "/desk/queue?sort=newest&page=3",
    "queue, words": "/desk/queue?text=password",
    "queue, done": "/desk/queue?kind=done",
    "audit tab": "/desk?kind=audit",
}


def main() -> None:
    """Fill a home unless it is there, and print a line a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=500_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--home", type=Path, help="made there and kept; used as it is when it is there")
    parser.add_argument("--database", default="", help="an empty PostgreSQL database; SQLite without it")
    parser.add_argument("--analyze", action="store_true", help="let the database look at its tables first")
    parser.add_argument("--only", default="", help="pages whose name or address holds this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        chosen = {"database_url": options.database} if options.database else {}
        settings = temporary_settings(options.home or Path(folder), **chosen)
        database = open_database(settings)
        if not (settings.home / "filled").exists():
            make(settings, database, options.messages)
            (settings.home / "filled").touch()
        if options.analyze:
            with database.write() as session:
                session.execute(text("ANALYZE"))
        report(create_app(settings), rounds=options.rounds, only=options.only)
        database.close()


def make(settings: Settings, database: Database, messages: int) -> None:
    """A home with 200 FAQs, a first version, messages with decisions over a year, labels, golden phrases."""
    settings.home.mkdir(parents=True, exist_ok=True)
    for _ in set_up(settings, database, starter_faq=False, progress=Bars()):
        pass
    entries = [_entry(number) for number in range(FAQS)]
    with database.write() as session:
        faq.store_entries(session, entries, author=NAME)
        for name in (NAME, "bea", "cem"):
            staff.add_staff(session, name, password=PASSWORD, role=Role.ADMIN)
    night(settings, database, minutes=1, finetune=False)
    begun = time.perf_counter()
    fill(database, messages)
    count_days(database)  # as the next night does
    print(f"{messages:,} messages filled in {time.perf_counter() - begun:.0f} s", flush=True)


def _entry(number: int) -> Entry:
    subject, action = SUBJECTS[number % len(SUBJECTS)], ACTIONS[number // len(SUBJECTS) % len(ACTIONS)]
    texts = tuple(f"{action} my {subject} {place} {number}" for place in PLACES[:3])
    return Entry(
        f"faq_{number}", question=f"How do I {action} a {subject}, case {number}?", answer="So.", phrasings=texts
    )


def addresses(app: Flask) -> dict[str, str]:
    """Name -> address of the pages behind the login that can be asked for without an argument, and of MORE."""
    today = now().date()
    days = {"day": today, "month": today - timedelta(days=60), "year": today - timedelta(days=DAYS)}
    plain = {
        rule.rule: rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.arguments
        and getattr(app.view_functions[rule.endpoint], "policy", PUBLIC) != PUBLIC
    }
    return dict(sorted(plain.items())) | {name: path.format(**days) for name, path in MORE.items()}


def report(app: Flask, *, rounds: int, only: str) -> None:
    """A line a page: status, size, p50 and p95 on the clock and of the processor, in milliseconds."""
    client = app.test_client()
    log_in(client)
    print(f"{'page':34} status    KB     p50     p95   cpu p50   cpu p95   (ms)")
    for name, path in addresses(app).items():
        if only not in f"{name} {path}":
            continue
        wall, processor, said = [], [], client.get(path, buffered=True)
        for _ in range(rounds):
            begun, busy = time.perf_counter(), time.process_time()
            said = client.get(path, buffered=True)
            processor.append((time.process_time() - busy) * 1000)
            wall.append((time.perf_counter() - begun) * 1000)
        figures = [*_middle(wall), *_middle(processor)]
        most = MOST.get(name, MOST_ELSEWHERE)
        late = f"  over {most:.0f} ms" if figures[2] > most else ""
        row = f"{figures[0]:7.0f} {figures[1]:7.0f} {figures[2]:9.0f} {figures[3]:9.0f}"
        print(f"{name:34} {said.status_code:6} {len(said.data) / 1024:5.0f} {row}{late}", flush=True)


def _middle(values: Sequence[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def log_in(client: FlaskClient) -> None:
    """Log in with the name and password that `make` stored."""
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    said = client.post("/login", data={"csrf_token": token, "name": NAME, "password": PASSWORD})
    if said.status_code != 303:
        raise RuntimeError(f"the login was refused: {said.status_code}")


if __name__ == "__main__":
    main()
