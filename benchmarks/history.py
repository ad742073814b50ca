"""Messages as a year of traffic leaves them, as many as one likes, written by the database's own bulk path.

Long-tailed texts and senders, every kind of decision, cases, deliveries, feedback, labels. Half a million take half a
minute, five million some minutes and 6 GB.
"""

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, insert, select, text

from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import GoldenPhraseRow, Intent, Label, Staff, Table
from helpdesk.serving.chat_service import STORED_RANKS
from helpdesk.text import normalise, text_key

DAYS = 365
FAQS = 200
CHANNELS = ("rest", "web", "teams")
SUBJECTS = ("password", "vpn", "printer", "laptop", "phone", "badge", "invoice", "parking", "monitor", "mail")
ACTIONS = (
    "reset", "replace", "order", "return", "lost", "broken", "slow", "forgotten", "missing", "upgrade", "share",
)  # fmt: skip
PLACES = ("home", "office", "berlin", "lisbon", "warehouse", "train", "meeting", "canteen", "floor7", "lab")
LABELS = 4_500
AUDITED = 50  # a day, at most
_KINDS = (
    *[("answer", "confident")] * 6,
    *[("clarify", "between")] * 2,
    ("answer", "choice"),
    ("fallback", "unsure"),
    ("handoff", "asked"),
    ("smalltalk", "thanks"),
)
_COLUMNS = {
    "conversations": "id, channel, sender, created_at",
    "messages": "id, conversation_id, channel, text, normalised, text_key, created_at",
    "decisions": "id, message_id, version_id, kind, intent, confidence, out_of_scope, reason, ranking, options, "
    "thresholds, inclusion_probability, created_at",
    "feedback": "message_id, said, at",
    "cases": "id, conversation_id, message_id, reason, urgent, state, taken_by, opened_at, closed_at",
    "deliveries": "id, key, receiver, message_id, payload, state, attempts, due_at, created_at",
}
_UNINDEXED = ("ix_messages_text_key_id", "ix_messages_conversation_id_id")  # made at the end, in one go
_ASKED = """
INSERT INTO asked_texts (text_key, normalised, count, first_id, newest_id, kind, reason, best, confidence, place, open,
    later, put_back, disliked)
SELECT m.text_key, m.normalised, t.n, t.first, t.newest, d.kind, d.reason, 'faq_' || (t.newest % 200), d.confidence,
    t.n * (d.confidence - 1.05), true, false, false, false
FROM (SELECT m.text_key, count(*) AS n, min(m.id) AS first, max(m.id) AS newest FROM messages m
    JOIN decisions d ON d.message_id = m.id
    WHERE d.kind NOT IN ('handoff', 'smalltalk') AND d.reason <> 'choice' GROUP BY m.text_key) t
JOIN messages m ON m.id = t.newest JOIN decisions d ON d.message_id = t.newest
"""

_Row = tuple[Any, ...]
_Write = Callable[[str, Iterable[_Row]], None]


def fill(database: Database, messages: int) -> None:
    """Fill a database that holds 200 entries called faq_0 and so on, a version 1 and staff."""
    chance, start = random.Random(0), now() - timedelta(days=DAYS)
    people = messages // 4
    with _bulk(database) as write:
        written_on = [chance.choice(CHANNELS) for _ in range(people)]
        begun = _moment(start)
        write("conversations", ((n + 1, written_on[n], f"person-{n}", begun) for n in range(people)))
        write("messages", _messages(chance, start, messages, written_on))
        write("decisions", _decisions(chance, start, messages))
        write("feedback", _feedback(chance, start, messages))
        write("cases", _cases(start, messages, people))
        write("deliveries", _deliveries(start, messages))
    with database.write() as session:
        session.execute(text(_ASKED))
        _label(session.connection(), chance)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")


def _at(start: datetime, number: int, messages: int) -> str:
    return _moment(start + timedelta(days=DAYS * number / messages))


def _messages(chance: random.Random, start: datetime, messages: int, written_on: Sequence[str]) -> Iterator[_Row]:
    people, long_thread = len(written_on), max(1, messages // 1000)
    for number in range(1, messages + 1):
        talk = 1 if number % long_thread == 0 else min(people - 1, int(chance.expovariate(8 / people)))
        typed = _text(chance)
        normalised = normalise(typed)
        yield number, talk + 1, written_on[talk], typed, normalised, text_key(normalised), _at(start, number, messages)


def _text(chance: random.Random) -> str:
    words = [chance.choice(ACTIONS), "my", chance.choice(SUBJECTS), "in the", chance.choice(PLACES)]
    return " ".join([*words, *(["number", str(int(chance.expovariate(1 / 300)))] if chance.random() < 0.7 else [])])


def _decisions(chance: random.Random, start: datetime, messages: int) -> Iterator[_Row]:
    thresholds = json.dumps({"answer": 0.7, "clarify": 0.3})
    drawn = min(0.02, AUDITED * DAYS / messages)
    for number in range(1, messages + 1):
        kind, reason = chance.choice(_KINDS)
        best, confidence = int(chance.paretovariate(1)) % FAQS, round(chance.random(), 3)
        names = [f"faq_{(best + step) % FAQS}" for step in range(STORED_RANKS)]
        ranking = ", ".join(
            f'["{name}", {confidence / (step + 1):.4f}, "phrasing:{best + 1}", 0.7]' for step, name in enumerate(names)
        )
        yield (
            number, number, 1, kind, names[0] if kind == "answer" else None, confidence, 0.1, reason,
            f"[{ranking}]" if kind in ("answer", "clarify", "fallback") else "[]",
            json.dumps(names[:3]) if kind == "clarify" else "[]",
            thresholds, drawn if chance.random() < drawn else None, _at(start, number, messages),
        )  # fmt: skip


def _feedback(chance: random.Random, start: datetime, messages: int) -> Iterator[_Row]:
    for number in range(1, messages + 1, 60):
        yield number, chance.choice(("helpful", "helpful", "not_helpful")), _at(start, number, messages)


def _cases(start: datetime, messages: int, people: int) -> Iterator[_Row]:
    """One in fifty messages opened a case; all but the last two hundred are closed."""
    numbers = range(1, messages + 1, 50)
    for case, number in enumerate(numbers, start=1):
        at, is_open = _at(start, number, messages), len(numbers) - case < min(200, people)
        state, by, closed = ("open", None, None) if is_open else ("closed", "benchmark", at)
        yield case, case % people + 1, number, "asked", False, state, by, at, closed


def _deliveries(start: datetime, messages: int) -> Iterator[_Row]:
    """Every third message came by a chat that replies are sent to."""
    for number in range(1, messages + 1, 3):
        at = _at(start, number, messages)
        yield number, f"hd-{number}", "chatwoot", number, "{}", "sent", 1, at, at


def _label(connection: Connection, chance: random.Random) -> None:
    """Five thousand labels of three people, every tenth text labelled by two of them; sixty golden phrases."""
    intents = list(connection.scalars(select(Intent.id)))
    people = list(connection.scalars(select(Staff.id)))
    newest = text(
        "SELECT text_key, normalised, newest_id FROM asked_texts WHERE newest_id % 7 = 0 "
        "OR count > 3 ORDER BY newest_id LIMIT :most"
    )
    asked = connection.execute(newest, {"most": LABELS}).all()
    rows = []
    for number, (key, normalised, newest_id) in enumerate(asked):
        kind, said = chance.choice([("intent", chance.choice(intents))] * 5 + [("out_of_scope", None)])
        row = {"text_key": key, "normalised": normalised, "message_id": newest_id, "text": normalised, "group_key": key}
        row |= {"kind": kind, "intent_id": said, "split": "train", "published": False}
        row |= {"created_at": now() - timedelta(days=chance.random() * 90)}
        twice = people if number % 10 == 0 else people[:1]
        rows += [row | {"staff_id": person, "undone_at": row["created_at"]} for person in twice[1:2]]
        rows.append(row | {"staff_id": chance.choice(people), "undone_at": None})
    connection.execute(insert(Label), rows)
    connection.execute(text("UPDATE asked_texts SET open = false WHERE text_key IN (SELECT text_key FROM labels)"))
    golden = [{"text": row.normalised, "text_key": row.text_key, "author": "benchmark"} for row in asked[:60]]
    connection.execute(insert(GoldenPhraseRow), golden)


@contextmanager
def _bulk(database: Database) -> Iterator[_Write]:
    """How rows get into a table without one statement each; indexes of scattered keys are made at the end."""
    indexes = [index for table in Table.metadata.tables.values() for index in table.indexes if index.name in _UNINDEXED]
    connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    raw: Any = connection.connection.driver_connection
    connection.detach()  # its settings end with it
    with connection:
        for index in indexes:
            index.drop(connection)
        raw.commit()
        yield _into_sqlite(raw) if database.dialect == "sqlite" else _into_postgresql(raw)
        for index in indexes:
            index.create(connection)


def _into_sqlite(raw: Any) -> _Write:
    raw.execute("PRAGMA cache_size = -400000")
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("PRAGMA foreign_keys = OFF")

    def write(table: str, rows: Iterable[_Row]) -> None:
        columns = _COLUMNS[table]
        places = ", ".join("?" * len(columns.split(", ")))
        statement = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - names of this file
        rows = iter(rows)
        while some := list(islice(rows, 100_000)):
            raw.execute("BEGIN")
            raw.executemany(statement, some)
            raw.execute("COMMIT")

    return write


def _into_postgresql(raw: Any) -> _Write:
    def write(table: str, rows: Iterable[_Row]) -> None:
        with raw.cursor() as cursor:
            with cursor.copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            if _COLUMNS[table].startswith("id"):
                newest = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}"  # noqa: S608 - as above
                cursor.execute(newest)

    return write
