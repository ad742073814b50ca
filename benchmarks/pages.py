"""How long each staff page takes with half a million messages stored, on the clock and of the processor.

    python benchmarks/pages.py                  # 500,000 messages over a year, in a temporary SQLite home
    python benchmarks/pages.py --home DIR       # the same, kept in DIR and used again

Every route that answers GET and has no argument is asked for, those added later too, and what is listed in MORE.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from home import night
from sqlalchemy import Connection, insert, select, text

from helpdesk.app import create_app
from helpdesk.home import set_up
from helpdesk.progress import Bars
from helpdesk.records import faq, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.records.roles import Role
from helpdesk.records.tables import AskedText, Conversation, DecisionRow, GoldenPhraseRow, Intent, Label, Message, Staff
from helpdesk.settings import Settings, temporary_settings
from helpdesk.text import normalise, text_key
from helpdesk.web.policy import PUBLIC

NAME, PASSWORD = "benchmark", "not a real login"
DAYS = 365
FAQS = 200
A_BATCH = 20_000
LEAST = 200.0
CHANNELS = ("rest", "web", "teams")
SUBJECTS = [
    "password",
    "vpn",
    "printer",
    "laptop",
    "phone",
    "badge",
    "invoice",
    "parking",
    "monitor",
    "mail",
]
ACTIONS = ["reset", "replace", "order", "return", "lost", "broken", "slow", "forgotten", "missing", "upgrade", "share"]
PLACES = ["home", "office", "berlin", "lisbon", "warehouse", "train", "meeting", "canteen", "floor7", "lab"]
MORE = {  # pages that a route without argument does not show
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
    parser.add_argument("--only", default="", help="pages whose name or address holds this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="helpdesk-bench-") as folder:
        settings = temporary_settings(options.home or Path(folder))
        database = open_database(settings)
        if not (settings.home / "filled").exists():
            make(settings, database, options.messages)
            (settings.home / "filled").touch()
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
    with database.write() as session:
        fill(session.connection(), messages)
    print(f"{messages:,} messages filled in {time.perf_counter() - begun:.0f} s", flush=True)


def fill(connection: Connection, messages: int) -> None:
    """Messages as a year of traffic leaves them: long-tailed texts and senders, every kind of decision."""
    chance, start = random.Random(0), now() - timedelta(days=DAYS)
    senders = [{"channel": chance.choice(CHANNELS), "sender": f"person-{n}"} for n in range(messages // 4)]
    people = len(senders)
    for some in _batches([row | {"created_at": start} for row in senders]):
        connection.execute(insert(Conversation), some)
    asked: dict[str, dict[str, Any]] = {}
    for first in range(0, messages, A_BATCH):
        rows, decisions = [], []
        for number in range(first, min(first + A_BATCH, messages)):
            moment = start + timedelta(days=DAYS * (number + 1) / messages)
            talk = 1 if number % 500 == 0 else min(people - 1, int(chance.expovariate(8 / people)))
            row = _message(number + 1, talk + 1, senders[talk]["channel"], _text(chance), moment)
            rows.append(row)
            decisions.append(_decision(chance, number + 1, moment))
            _note(asked, row, decisions[-1])
        connection.execute(insert(Message), rows)
        connection.execute(insert(DecisionRow), decisions)
    for some in _batches(list(asked.values())):
        connection.execute(insert(AskedText), some)
    _label(connection, chance, list(asked.values()))
    golden = [{"text": row["normalised"], "text_key": row["text_key"]} for row in list(asked.values())[:60]]
    connection.execute(insert(GoldenPhraseRow), [row | {"author": NAME, "created_at": start} for row in golden])


def _entry(number: int) -> Entry:
    subject, action = SUBJECTS[number % len(SUBJECTS)], ACTIONS[number // len(SUBJECTS) % len(ACTIONS)]
    texts = tuple(f"{action} my {subject} {place} {number}" for place in PLACES[:3])
    return Entry(
        f"faq_{number}", question=f"How do I {action} a {subject}, case {number}?", answer="So.", phrasings=texts
    )


def _text(chance: random.Random) -> str:
    words = [chance.choice(ACTIONS), "my", chance.choice(SUBJECTS), "in the", chance.choice(PLACES)]
    return " ".join([*words, *(["number", str(int(chance.expovariate(1 / 300)))] if chance.random() < 0.7 else [])])


def _message(number: int, talk: int, channel: str, typed: str, moment: datetime) -> dict[str, Any]:
    normalised = normalise(typed)
    return {
        "id": number,
        "conversation_id": talk,
        "channel": channel,
        "external_id": None,
        "text": typed,
        "normalised": normalised,
        "text_key": text_key(normalised),
        "created_at": moment,
    }


def _decision(chance: random.Random, number: int, moment: datetime) -> dict[str, Any]:
    kinds = [("answer", "confident")] * 6 + [("clarify", "between"), ("answer", "choice"), ("fallback", "unsure")]
    kind, reason = chance.choice([*kinds, ("handoff", "asked"), ("smalltalk", "thanks")])
    best = int(chance.paretovariate(1)) % FAQS
    confidence = round(chance.random(), 3)
    names = [f"faq_{(best + step) % FAQS}" for step in range(6)]
    ranking = [
        {"intent": name, "confidence": confidence / (step + 1), "nearest": f"phrasing:{best + 1}", "similarity": 0.7}
        for step, name in enumerate(names)
    ]
    return {
        "message_id": number,
        "version_id": 1,
        "kind": kind,
        "intent": names[0] if kind == "answer" else None,
        "confidence": confidence,
        "out_of_scope": 0.1,
        "reason": reason,
        "ranking": ranking if kind in ("answer", "clarify", "fallback") else [],
        "options": names[:3] if kind == "clarify" else [],
        "thresholds": {"answer": 0.7, "clarify": 0.3},
        "inclusion_probability": 0.02 if chance.random() < 0.02 else None,
        "created_at": moment,
    }


def _note(asked: dict[str, dict[str, Any]], row: dict[str, Any], decision: dict[str, Any]) -> None:
    if decision["kind"] in ("handoff", "smalltalk") or decision["reason"] == "choice":
        return
    known = asked.setdefault(row["text_key"], {"count": 0, "first_id": row["id"]})
    known |= {"text_key": row["text_key"], "normalised": row["normalised"], "newest_id": row["id"]}
    known |= {"count": known["count"] + 1, "kind": decision["kind"], "reason": decision["reason"]}
    known |= {"best": decision["ranking"][0]["intent"], "confidence": decision["confidence"], "open": True}
    known |= {"place": known["count"] * (decision["confidence"] - 1.05), "later": False}


def _label(connection: Connection, chance: random.Random, asked: Sequence[dict[str, Any]]) -> None:
    """Five thousand labels of three people, every tenth text labelled by two of them."""
    intents = list(connection.scalars(select(Intent.id)))
    people = list(connection.scalars(select(Staff.id)))
    rows = []
    for number, asked_text in enumerate(chance.sample(asked, min(4_500, len(asked)))):
        kind, said = chance.choice([("intent", chance.choice(intents))] * 5 + [("out_of_scope", None)])
        row = {name: asked_text[name] for name in ("text_key", "normalised")} | {"message_id": asked_text["newest_id"]}
        row |= {"text": asked_text["normalised"], "kind": kind, "intent_id": said, "split": "train", "published": False}
        row |= {"group_key": asked_text["text_key"], "created_at": now() - timedelta(days=chance.random() * 90)}
        twice = people if number % 10 == 0 else people[:1]
        rows += [row | {"staff_id": person, "undone_at": row["created_at"]} for person in twice[1:2]]
        rows.append(row | {"staff_id": chance.choice(people), "undone_at": None})
    for some in _batches(rows):
        connection.execute(insert(Label), some)
    connection.execute(text("UPDATE asked_texts SET open = false WHERE text_key IN (SELECT text_key FROM labels)"))


def _batches(rows: Sequence[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    for first in range(0, len(rows), A_BATCH):
        yield rows[first : first + A_BATCH]


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
    _log_in(client)
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
        late = "  over 200 ms" if figures[3] > LEAST else ""
        row = f"{figures[0]:7.0f} {figures[1]:7.0f} {figures[2]:9.0f} {figures[3]:9.0f}"
        print(f"{name:34} {said.status_code:6} {len(said.data) / 1024:5.0f} {row}{late}", flush=True)


def _middle(values: Sequence[float]) -> tuple[float, float]:
    return statistics.median(values), statistics.quantiles(values, n=20)[-1]


def _log_in(client: FlaskClient) -> None:
    page = client.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    said = client.post("/login", data={"csrf_token": token, "name": NAME, "password": PASSWORD})
    if said.status_code != 303:
        raise RuntimeError(f"the login was refused: {said.status_code}")


if __name__ == "__main__":
    main()
