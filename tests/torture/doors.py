"""What comes in at the doors: a flood, bad texts, and whatever the API's document allows or not."""

import http.client
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

from fuzz_api import closed, fuzz
from fuzz_parsers import PARSERS, fuzz_parser
from sqlalchemy import text as sql

from helpdesk.app import create_app
from helpdesk.records.database import open_database
from torture.stage import Stage
from torture.worlds import served

MEMORY_MOST = 400e6  # bytes a worker
HASTE = 16  # clients of a flood
DOORS = ("/webhooks/rest/webhook", "/api/v1/messages", "/api/v1/match", "/api/v1/messages/1/feedback")
BAD_TEXTS = (
    "a\x00b",
    "lone \ud800 surrogate",
    "\u202egnirts lanoitceridib\u202c",
    "zero\u200bwidth\u200djoined\ufeff",
    "e" + "\u0301" * 100_000,
    "x" * 1_000_000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 50,
    "<script>alert(1)</script>{{7*7}}${7*7}",
    "=cmd|' /C calc'!A0",
    "'; DROP TABLE messages; --",
    "../../../../etc/passwd",
    "\x1b[2J\x1b]0;title\x07",
    "\r\nSet-Cookie: a=b",
    "[" * 25,
    "",
    "   ",
)
BAD_BODIES = (
    b"",
    b"{",
    b"null",
    b"[]",
    b'{"sender": "a", "sender": "b", "message": "x"}',
    b'{"sender": "a", "message": NaN}',
    b'{"sender": "a", "message": 1e999}',
    b'{"sender": ' + b"9" * 5000 + b', "message": "x"}',
    b"[" * 60_000,
    b'{"a":' * 30_000,
    b"\xff\xfe\x00",
    b'{"sender": "a", "message": "\xc3\x28"}',
    b"x" * 200_000,
)


def flood(stage: Stage) -> None:
    """So many requests as fast as they are answered: what is acknowledged is stored once, workers stay small."""
    with stage.traffic(clients=HASTE) as (service, load):
        while len(load.tries) < stage.times:
            stage.outcome.note("largest worker, MB", max(w.memory_info().rss for w in service.workers()) / 1e6)
            time.sleep(0.5)
        stage.outcome.done = len(load.tries)
    largest = stage.outcome.figures["largest worker, MB"]
    stage.outcome.expect(largest * 1e6 < MEMORY_MOST, f"a worker grew to {largest} MB")


def bad_requests(stage: Stage) -> None:
    """Bad texts and bodies at every door that takes JSON, and changed bytes in good ones: a clear 4xx, or stored; no
    worker dies."""
    with served(stage.world) as service:
        pids = {worker.pid for worker in service.workers()}
        statuses: Counter[int] = Counter()
        connection = http.client.HTTPConnection("127.0.0.1", stage.world.settings.port, timeout=60)
        requests = _requests(stage.chance)
        for _ in stage.rounds():
            path, body = next(requests)
            status = _send(connection, path, body)
            statuses[status] += 1
            stage.outcome.expect(200 <= status < 500, f"{path} {body[:80]!r}: status {status}")
        stage.outcome.expect(pids == {worker.pid for worker in service.workers()}, "a worker died")
    stage.outcome.figures |= {f"status {status}": count for status, count in sorted(statuses.items())}
    with stage.world.records() as database, database.read() as session:
        found = session.scalar(
            sql(
                "SELECT count(*) FROM messages m WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.message_id = m.id)"
            )
        )
    stage.outcome.expect(found == 0, f"{found} messages without a decision")


def documented_api(stage: Stage) -> None:
    """Every phase of schemathesis, open and with a key: no fault of ours, and what is told is as described."""
    database = open_database(stage.world.settings)
    open_app = create_app(stage.world.settings)
    ways = ((open_app, None), closed(stage.world.settings, database))
    for app, key in ways:
        found = fuzz(app, key, cases=stage.times // len(ways), seed=stage.seed)
        stage.outcome.done += found.cases
        for status, count in found.statuses.items():
            stage.outcome.add(f"status {status}", count)
            stage.outcome.expect(status < 500, f"{count} replies of status {status}")
        stage.outcome.problems += [*found.failures.values(), *found.errors][:5]
    database.close()


def fuzz_parsers(stage: Stage) -> None:
    """Each parser for as many minutes as there are rounds; inputs are random where atheris is not installed."""
    minutes = min(stage.times, stage.minutes)
    stage.outcome.note("minutes each", minutes)
    for number, name in enumerate(PARSERS):
        sys.stderr.write(f"\r{name}: parser {number + 1} of {len(PARSERS)}   ")
        found = fuzz_parser(name, minutes=minutes, seed=stage.seed)
        stage.outcome.add("inputs", found.inputs)
        stage.outcome.add("refused", found.refused)
        stage.outcome.note("slowest input, s", found.slowest)
        stage.outcome.problems += [f"{name}: {why}: {data!r:.80}" for why, data in found.failed.items()]
        stage.outcome.add("parsers", 1)
    stage.outcome.done = int(minutes)


def _requests(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Each bad text and body at each door first, then good bodies with a few bytes changed, for ever."""
    for path in DOORS:
        yield from ((path, body) for body in BAD_BODIES)
        for bad in BAD_TEXTS:
            yield from ((path, json.dumps(body).encode()) for body in _bodies(path, bad))
            yield from (
                (path, json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")) for body in _bodies(path, bad)
            )
    while True:
        path = chance.choice(DOORS)
        body = bytearray(json.dumps(next(iter(_bodies(path, chance.choice(BAD_TEXTS)[:200])))).encode())
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(0, 4)] = chance.randbytes(chance.randrange(0, 4))
            body = body or bytearray(b"{}")
        yield path, bytes(body)


def _bodies(path: str, bad: str) -> Iterator[dict[str, object]]:
    """A door's body with a bad text in each field in turn."""
    good: dict[str, object] = {
        DOORS[0]: {"sender": "fuzz", "message": "forgot my password"},
        DOORS[1]: {"session_id": "fuzz", "text": "forgot my password"},
        DOORS[2]: {"text": "forgot my password"},
        DOORS[3]: {"session_id": "fuzz", "helpful": False},
    }[path]  # type: ignore[assignment]
    assert isinstance(good, dict)
    for name in good:
        yield good | {name: bad}


def _send(connection: http.client.HTTPConnection, path: str, body: bytes) -> int:
    """The status, 0 without an answer."""
    for _ in range(2):
        try:
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            connection.close()  # one that was kept may have been closed meanwhile; a new one must be answered
    return 0
