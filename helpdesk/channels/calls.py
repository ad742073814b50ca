"""One HTTP call to another system: bounded in time and size, no redirects followed, nothing secret in its errors."""

import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from helpdesk.errors import HelpdeskError
from helpdesk.text import visible

SILENCE_SECONDS = 8.0  # to connect, and between two packets
CALL_SECONDS = 15.0  # from the first byte to the last
MOST_BYTES = 256 * 1024
SAID_CHARS = 200  # of what the other side says, in an error


class CallError(HelpdeskError):
    """A call did not do what it should.

    said: how the other side put it, for people; it may repeat what a customer typed, so it is not logged, `reason` is.
    status: what was answered, None without an answer.
    """

    def __init__(
        self, reason: str, *, said: str = "", status: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{reason}: {said}" if said else reason)
        self.reason, self.said = reason, said
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True)
class CallAnswer:
    """What the other side answered with 2xx; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON. Raises CallError when it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise CallError("it did not answer with JSON") from None


def call(method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes | None = None) -> CallAnswer:
    """Send one request. Raises CallError unless 2xx is answered in time; its text never repeats the address."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SILENCE_SECONDS)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        with _ended_after(CALL_SECONDS, connection):
            connection.request(method, path, body=body, headers=dict(headers or {}))
            response = connection.getresponse()
            content = response.read(MOST_BYTES + 1)
    except HTTPException as error:  # some name parts of the address, which may hold a secret
        raise CallError(f"it did not answer as HTTP does ({type(error).__name__})") from None
    except OSError as error:
        raise CallError(_reason(error)) from None
    finally:
        connection.close()
    found = {name.lower(): value for name, value in response.getheaders()}
    if not 200 <= response.status < 300:
        pause = found.get("retry-after", "")
        seconds = float(pause) if pause.isascii() and pause.isdecimal() and len(pause) < 7 else None
        said = (
            "" if "html" in found.get("content-type", "") else as_said(content, hidden=_secrets(parts, headers or {}))
        )
        raise CallError(f"it answered {response.status}", said=said, status=response.status, retry_after=seconds)
    if len(content) > MOST_BYTES:
        raise CallError(f"it answered with more than {MOST_BYTES // 1024} KB")
    return CallAnswer(response.status, found, content)


def call_json(
    method: str, url: str, *, headers: Mapping[str, str] | None = None, data: Mapping[str, Any] | None = None
) -> CallAnswer:
    """Send JSON, or nothing, and accept JSON."""
    sent = {"Accept": "application/json", **(headers or {})}
    if data is None:
        return call(method, url, headers=sent)
    body = json.dumps(data, ensure_ascii=False).encode()
    return call(method, url, headers=sent | {"Content-Type": "application/json"}, body=body)


def as_said(raw: bytes, *, hidden: Iterable[str]) -> str:
    """What another system said, in one line that no terminal obeys, without what is hidden."""
    text = raw.decode("utf-8", "replace")
    for secret in sorted(filter(None, hidden), key=len, reverse=True):
        text = text.replace(secret, "***")
    return visible(" ".join(text.split()))[:SAID_CHARS]


def _secrets(parts: SplitResult, headers: Mapping[str, str]) -> Iterator[str]:
    """What a side that repeats the request would tell: every header but the plain ones, and the address."""
    yield from (parts.netloc, parts.query, *(value for _, value in parse_qsl(parts.query) if len(value) > 3))
    yield parts.path.strip("/")
    for name, value in headers.items():
        if name.lower() not in ("accept", "content-type"):
            yield from (value, value.rpartition(" ")[2], value.rpartition("token=")[2])


@contextmanager
def _ended_after(seconds: float, connection: HTTPConnection) -> Iterator[None]:
    """A side that sends a byte now and then ends with the whole call, not with its own patience."""
    timer = threading.Timer(seconds, _shut, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(connection: HTTPConnection) -> None:
    with suppress(OSError):
        if connection.sock is not None:
            connection.sock.shutdown(socket.SHUT_RDWR)


def _reason(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return f"it cannot be reached ({error.strerror or type(error).__name__})"
