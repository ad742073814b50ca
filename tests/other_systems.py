"""Stand-ins of the systems that cases and replies are sent to: real servers here that can be told to fail."""

import json
import re
import socket
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from sqlalchemy import select, update

from helpdesk.channels.signatures import HeaderLookup
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import CaseRow, Conversation, DecisionRow, DeliveryRow, Message

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
STORED_BUT_SILENT = "stored, and then it hangs up"
HANGS = "stored, and then it says nothing"
NO_AUTH = {"ok": False, "error": "invalid_auth"}
PAST = now() - timedelta(days=1)


@dataclass
class OtherSystem:
    """A web server that does as Zammad, FreeScout, Chatwoot, Slack and webhooks do.

    faults: what comes first, one a POST: a status that is answered without storing anything, or a word for what happens
    after it was stored; nonsense: the body of every answer; says: that of the refusals.
    """

    faults: deque[int | str] = field(default_factory=deque)
    requests: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    stored: list[dict[str, Any]] = field(default_factory=list)
    status: str = "pending"
    url: str = ""
    nonsense: bytes | None = None
    says: bytes = b""
    released: threading.Event = field(default_factory=threading.Event)

    def take(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, str], Any]:
        """What it answers: status, headers, JSON."""
        place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if method == "GET":
            return 200, {}, self._look(place, query)
        if place.endswith("/toggle_status"):
            self.status = body["status"]
            return 200, {}, {"payload": {"success": True}}
        self.stored.append({**body, "id": 100 + len(self.stored), "place": place})
        number = self.stored[-1]["id"]
        if place == "/api/conversations":
            return 201, {"Resource-ID": str(number)}, None
        if place == "/api/chat.postMessage":
            return 200, {}, {"ok": True, "ts": f"{number}.0001"}
        return (201 if place == "/api/v1/tickets" else 200), {}, {"id": number, "number": str(60000 + number)}

    def profile(self, place: str, headers: HeaderLookup) -> tuple[int, dict[str, str], Any]:
        """Who a token belongs to: Chatwoot tells agents (`at`) alone, and bots (`bt`) that they may not ask."""
        if place == "/api/auth.test":
            signed_in = headers.get("Authorization", "") == "Bearer xoxb"
            return 200, {}, {"ok": True, "user": "helpdesk", "team": "Example"} if signed_in else NO_AUTH
        token = headers.get("api_access_token", "")
        if token == "at":
            return 200, {}, {"id": 1, "name": "Ann"}
        known = "Access to this endpoint is not authorized for bots"
        return 401, {}, {"error": known if token == "bt" else "Invalid Access Token"}

    def _look(self, place: str, query: dict[str, list[str]]) -> Any:
        if place == "/api/v1/tickets/search":
            wanted = query["query"][0].strip('"')
            return [{"id": row["id"], "number": str(60000 + row["id"])} for row in self.stored if wanted in str(row)]
        if place == "/api/conversations":
            rows = [row for row in self.stored if row["subject"] == query["subject"][0]]
            return {"_embedded": {"conversations": [{"id": row["id"], "subject": row["subject"]} for row in rows]}}
        if place.startswith("/api/conversations/"):
            return {"_embedded": {"threads": [row for row in self.stored if row["place"] == f"{place}/threads"]}}
        if place.endswith("/messages"):
            kinds = {"outgoing": 1, "incoming": 0}
            rows = [row for row in self.stored if row["place"] == place]
            return {"payload": [row | {"message_type": kinds[row["message_type"]]} for row in rows]}
        return {"status": self.status}


@contextmanager
def other_system() -> Iterator[OtherSystem]:
    """One that runs until the block ends."""
    system = OtherSystem()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            system.requests.append(("POST", self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if self.path == "/api/auth.test":
                return self._say(*system.profile(self.path, self.headers))
            fault = system.faults.popleft() if system.faults else None
            if isinstance(fault, int):
                return self._say(fault, {"Location": "/elsewhere", "Retry-After": "77"}, None, refused=True)
            answer = system.take("POST", self.path, json.loads(body))
            if fault == HANGS:
                system.released.wait(10)
            if fault is None:
                self._say(*answer)
            return None

        def do_GET(self) -> None:
            system.requests.append(("GET", self.path, {k.lower(): v for k, v in self.headers.items()}, b""))
            if self.path == "/api/v1/profile":
                return self._say(*system.profile(self.path, self.headers))
            return self._say(*system.take("GET", self.path, {}))

        def _say(self, status: int, headers: dict[str, str], content: Any, *, refused: bool = False) -> None:
            raw = system.nonsense or (b"" if content is None else json.dumps(content).encode())
            raw = system.says if refused else raw
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(raw))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    system.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=[0.01])
    thread.start()
    try:
        yield system
    finally:
        system.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """What a mail server accepted. `answers`: what it says to the next mails instead of accepting them; login_answer:
    what it says to whoever logs in."""

    mails: list[EmailMessage] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: deque[str] = field(default_factory=deque)
    port: int = 0
    login_answer: str | None = None

    def authenticate(self, *_: object) -> AuthResult:
        """Refuse a login in its own words."""
        return AuthResult(success=False, handled=False, message=self.login_answer)

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Keep a mail, or refuse it."""
        if self.answers:
            return self.answers.popleft()
        self.raw.append(envelope.content)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 taken"


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server without TLS that runs until the block ends."""
    box = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        box.port = probe.getsockname()[1]
    controller = Controller(
        box, hostname="127.0.0.1", port=box.port, auth_require_tls=False, authenticator=box.authenticate
    )
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def store_case(
    database: Database, text: str = "where is my parcel", *, channel: str = "rest", sender: str = "u"
) -> int:
    """A conversation of one message, and its case."""
    with database.write() as session:
        talk = Conversation(channel=channel, sender=sender)
        session.add(talk)
        session.flush()
        message = Message(conversation_id=talk.id, channel=channel, text=text, normalised=text, text_key="k")
        session.add(message)
        session.flush()
        ranking = [{"intent": "vpn", "confidence": 0.31, "nearest": None, "similarity": 0.5}]
        decision = {"kind": "fallback", "confidence": 0.31, "out_of_scope": 0.5, "reason": "unsure", "options": []}
        session.add(DecisionRow(message_id=message.id, ranking=ranking, thresholds={}, **decision))
        case = CaseRow(conversation_id=talk.id, message_id=message.id, reason="two_failed_tries", state="open")
        session.add(case)
        session.flush()
        return case.id


def the_delivery(database: Database) -> DeliveryRow:
    """The only one."""
    with database.read() as session:
        return session.scalars(select(DeliveryRow)).one()


def make_due(database: Database) -> None:
    """As if the pause before the next try, and every lease, had run out."""
    with database.write() as session:
        session.execute(update(DeliveryRow).values(due_at=PAST, leased_until=PAST))


def keys_in(text: str) -> set[str]:
    """The keys of deliveries that a text names."""
    return set(re.findall(r"hd-[0-9a-f]{32}", text))
