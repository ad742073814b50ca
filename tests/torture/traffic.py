"""Clients that never pause and write down each request; and the oracle that compares this with what was stored."""

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from sqlalchemy import text as sql

from helpdesk.decisions import DecisionReason
from helpdesk.serving.replies import PeopleSaid, shipped_replies
from torture.worlds import Said, World, said_by

IN_ORDER = {0, 200, 429, 503}  # 0: no answer, because the worker died
CLAIMS = tuple(shipped_replies().to(reason, "en") for reason in (DecisionReason.ASKED, PeopleSaid.HANDED_OVER))
AGAIN = 0.1  # seconds after which a client without an answer sends the same delivery again
PATIENCE = 60.0


@dataclass(frozen=True)
class Try:
    """One request of one delivery: when, in seconds, and what came of it."""

    delivery: str
    text: str
    started: float
    ended: float
    status: int
    version: int | None = None
    said: Said | None = None
    message_id: int | None = None
    reply: str = ""


class Traffic:
    """Clients that send the texts of a world round and round, each text as a delivery of its own from a sender of its
    own; what is not acknowledged is sent again under the same id until it is."""

    def __init__(self, world: World, log: Path, *, name: str, clients: int = 4, pause: float = 0.0) -> None:
        self.world, self.tries = world, list[Try]()
        self._log, self._name, self._pause = log.open("a", buffering=1), name, pause
        self._stop = threading.Event()
        self._clients = [threading.Thread(target=self._send, args=(number,)) for number in range(clients)]

    def __enter__(self) -> Self:
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        for client in self._clients:
            client.join()
        self._log.close()

    def _send(self, number: int) -> None:
        texts: Sequence[str] = self.world.texts
        count = 0
        while not self._stop.is_set():
            count += 1
            delivery, text = f"{self._name}-{number}-{count}", texts[(count * 5 + number * 3) % len(texts)]
            while not self._deliver(delivery, text) and not self._stop.wait(AGAIN):
                pass
            time.sleep(self._pause)

    def _deliver(self, delivery: str, text: str) -> bool:
        started = time.monotonic()
        status, element = post(self.world.settings.port, delivery, text)
        found = Try(delivery, text, started, time.monotonic(), status)
        if element is not None:
            facts = element["custom"]
            found = Try(
                *(delivery, text, started, found.ended, status, facts.get("version"), said_by(element)),
                message_id=facts["message_id"],
                reply=element["text"],
            )
        self.tries.append(found)
        self._log.write(json.dumps(asdict(found)) + "\n")
        return status == 200


def post(port: int, delivery: str, text: str, *, timeout: float = 40) -> tuple[int, dict[str, Any] | None]:
    """Status and first element of the answer to one message; (0, None) without an answer."""
    body = {"sender": delivery, "message": text, "metadata": {"message_id": delivery}}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST", "/webhooks/rest/webhook", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        said = response.read()
        return response.status, json.loads(said)[0] if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def judge_traffic(world: World, tries: Sequence[Try], *, name: str) -> list[str]:
    """What is wrong: deliveries lost or stored twice, answers of no version, claims without a case, other statuses."""
    stored = _stored(world, name)
    return [
        *_lost_or_doubled(tries, stored),
        *_mixed(world, tries),
        *(f"status {status}, {count} times" for status, count in Counter(t.status for t in tries).items()
          if status not in IN_ORDER),
        *(f"{t.delivery} was told {t.reply!r} without a case" for t in tries
          if any(claim in t.reply for claim in CLAIMS) and not stored.get(t.delivery, [(0, 0, 0)])[0][2]),
        *_never_answered(tries),
    ]  # fmt: skip


def _stored(world: World, name: str) -> dict[str, list[tuple[int, int, int]]]:
    """Delivery -> its messages: id, number of decisions, number of cases of its conversation."""
    query = """SELECT m.external_id, m.id, (SELECT count(*) FROM decisions d WHERE d.message_id = m.id),
        (SELECT count(*) FROM cases c WHERE c.conversation_id = m.conversation_id)
        FROM messages m WHERE m.external_id LIKE :name"""
    found: dict[str, list[tuple[int, int, int]]] = defaultdict(list)
    with world.records() as database, database.read() as session:
        for delivery, *rest in session.execute(sql(query), {"name": f"{name}-%"}):
            found[delivery].append((rest[0], rest[1], rest[2]))
    return found


def _lost_or_doubled(tries: Sequence[Try], stored: dict[str, list[tuple[int, int, int]]]) -> list[str]:
    told: dict[str, set[int | None]] = defaultdict(set)
    for found in tries:
        if found.status == 200:
            told[found.delivery].add(found.message_id)
    problems = [f"{delivery} was acknowledged as {ids}" for delivery, ids in told.items() if len(ids) > 1]
    problems += [f"{delivery} was acknowledged and is not stored" for delivery in told if delivery not in stored]
    problems += [f"{delivery} is stored {len(rows)} times" for delivery, rows in stored.items() if len(rows) > 1]
    problems += [
        f"{delivery} was acknowledged as {ids} and is stored as {stored[delivery]}"
        for delivery, ids in told.items()
        if delivery in stored and ids != {row[0] for row in stored[delivery]}
    ]
    problems += [
        f"{delivery} has {row[1]} decisions" for delivery, rows in stored.items() for row in rows if row[1] != 1
    ]
    return problems


def _mixed(world: World, tries: Sequence[Try]) -> list[str]:
    return [
        f"version {t.version} said {t.said} of {t.text!r}, expected {world.said(t.version or 0, t.text)}"
        for t in tries
        if t.status == 200 and (t.version is None or t.said != world.said(t.version, t.text))
    ]


def _never_answered(tries: Sequence[Try]) -> list[str]:
    """Deliveries that were not answered long before traffic stopped."""
    end = max((t.ended for t in tries), default=0.0)
    first: dict[str, float] = {}
    for found in tries:
        first.setdefault(found.delivery, found.started)
    answered = {t.delivery for t in tries if t.status == 200}
    return [f"{d} was never answered" for d, at in first.items() if d not in answered and at < end - PATIENCE]


def acknowledged(tries: Sequence[Try]) -> int:
    """How many deliveries were."""
    return len({t.delivery for t in tries if t.status == 200})
