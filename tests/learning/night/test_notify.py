"""Somebody else is told how a night ended, signed, and cannot hurt it."""

import base64
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from helpdesk.errors import BadInputError
from helpdesk.learning.night import notify as module
from helpdesk.learning.night.notify import notify
from helpdesk.settings import load_settings

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Listener:
    """A web server that keeps what it is sent and answers with `status`."""

    def __init__(self) -> None:
        self.status = 204
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                listener.received.append((self.path, dict(self.headers), body))
                self.send_response(listener.status)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?who=helpdesk"


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    """Listening; tries follow each other at once."""
    monkeypatch.setattr(module, "NOTIFY_PAUSES", (0.0, 0.0))
    made = Listener()
    thread = threading.Thread(target=made.server.serve_forever, args=[0.01])
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def test_what_is_sent_carries_a_signature_that_verifies(listener: Listener) -> None:
    """With the package receivers use; a changed body does not verify."""
    settings = load_settings(notify_url=listener.url, notify_secret=SECRET)

    assert notify(settings, {"verdict": "kept", "summary": "Kept. Ünïcode too."})
    ((path, headers, body),) = listener.received
    assert path == "/hook?who=helpdesk"
    told = Webhook(SECRET).verify(body, headers)
    assert told["type"] == "night.ended"
    assert told["data"] == {"verdict": "kept", "summary": "Kept. Ünïcode too."}
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"kept", b"prom"), headers)


@pytest.mark.parametrize("status", [301, 404, 500])
def test_a_refusal_is_tried_again_under_the_same_id_and_then_given_up(listener: Listener, status: int) -> None:
    """So that the receiver can tell a repetition; no redirect is followed; nothing is raised."""
    listener.status = status
    settings = load_settings(notify_url=listener.url, notify_secret=SECRET)

    assert not notify(settings, {"verdict": "kept"})
    assert len(listener.received) == 3
    assert len({headers["webhook-id"] for _, headers, _ in listener.received}) == 1


def test_nobody_listening_is_logged_and_no_more(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    """The log names the setting, not the address, which may hold a token."""
    listener.server.server_close()
    settings = load_settings(notify_url=listener.url.replace("who", "token"), notify_secret=SECRET)

    assert not notify(settings, {"verdict": "kept"})
    assert "HELPDESK_NOTIFY_URL was not told" in caplog.text
    assert "token" not in caplog.text


def test_without_an_address_nothing_is_sent(listener: Listener) -> None:
    """The default."""
    assert not notify(load_settings(), {"verdict": "kept"})
    assert listener.received == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"notify_url": "http://localhost/x"}, "HELPDESK_NOTIFY_SECRET too"),
        ({"notify_url": "ftp://localhost/x", "notify_secret": SECRET}, "http or https"),
        ({"notify_url": "http:///hunter2", "notify_secret": SECRET}, "http or https"),
        ({"notify_url": "http://localhost:hunter2/", "notify_secret": SECRET}, "http or https"),
        ({"notify_url": "http://localhost/hunter2 x", "notify_secret": SECRET}, "without blanks"),
        ({"notify_secret": "hunter2"}, "base64 of at least 24 bytes"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(given: dict[str, str], expected: str) -> None:
    """Not in the middle of the night; and the secret is not repeated."""
    with pytest.raises(BadInputError, match=expected) as refused:
        load_settings(**given)
    assert "hunter2" not in str(refused.value)
