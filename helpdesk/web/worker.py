"""The gunicorn worker: threads for whole requests only, a fair share of the connections, and an answer of its own.

A request is read by the main loop, which never waits, and gets a thread when all of it is there: half a request or a
silent connection holds memory for a while and no thread. `GET /livez` needs no thread at all.
"""

import re
import selectors
import socket
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn, ThreadWorker

READ_SECONDS = 15.0  # for a whole request
LONG_READ_SECONDS = 60.0  # for one with a large body, which is an upload
SEND_SECONDS = 20.0
MAX_READ = 80 * 1024  # bytes of one request that are held here: its head and the largest body but for uploads
FRESH_SECONDS = 0.03  # a connection that was just accepted is taken to need a thread at once
LATE_SECONDS = 0.2  # a busy worker leaves a connection to the others for so long
LATE_AT_ONCE = 64

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:", re.IGNORECASE)
_EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue[ \t]*\r\n", re.IGNORECASE)
_LIVEZ = re.compile(rb"GET /livez(\?[^ ]*)? HTTP/1\.[01]\r\n")
_ALIVE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nContent-Length: 15\r\nConnection: close\r\n\r\n"
    b'{"alive":true}\n'
)


class ReadConnection(TConn):  # type: ignore[misc]
    """A connection with what was read of its next request, and until when the rest must come."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.parser: Any = None
        self.read = bytearray()
        self.deadline = 0.0
        self.since = time.monotonic()
        self.asked_on = False  # a client that waits for "100 Continue" got it

    def init(self) -> None:
        """Give what was read to the parser; runs in the thread of the request."""
        self.initialized = True
        self.sock.settimeout(SEND_SECONDS)
        if self.parser is None:
            self.parser = get_parser(self.cfg, self.sock, self.client)
        self.parser.unreader.unread(bytes(self.read))
        self.read.clear()


def is_whole(read: bytes | bytearray) -> bool | None:
    """Whether all of a request is there; None when it is too long to be held, so that a thread reads its rest."""
    end = read.find(b"\r\n\r\n")
    if end < 0:
        return None if len(read) >= MAX_READ else False
    head = bytes(read[: end + 2])
    if _CHUNKED.search(head):
        return None
    length = _LENGTH.search(head)
    wanted = end + 4 + (int(length[1]) if length else 0)
    return len(read) >= wanted or (None if wanted > MAX_READ else False)


class FairWorker(ThreadWorker):  # type: ignore[misc]
    """Accepts a connection at once only while one of its threads is free for it; until then another worker may take it.

    gunicorn's own worker accepts whatever it wakes up first for, up to `worker_connections`: all clients that keep
    their connections could end at one worker, and the others had nothing to do. Connections that are kept alive or
    have not sent all of a request need no thread and do not count. What waits while every worker is busy is accepted
    a little later, so that `/livez` is answered whatever the threads do. With as many connections as a worker may
    have, the one goes that has been sending its request longest. Uploads are read by at most half of the threads.
    """

    _most: int

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.reading: deque[ReadConnection] = deque()  # by deadline
        self.long_reads: set[ReadConnection] = set()
        self.long_waiting: deque[ReadConnection] = deque()
        self._late_at = 0.0

    @property
    def worker_connections(self) -> int:
        """How many connections this worker may hold at the moment."""
        threads: int = self.cfg.threads
        old = time.monotonic() - FRESH_SECONDS
        slow = len(self.long_waiting) + sum(conn.since < old for conn in self.reading)
        return min(self._most, threads + len(self.keepalived_conns) + slow)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most

    def accept(self, listener: socket.socket) -> bool:
        """Accept a connection, if there is one and room for it, and read what it sends."""
        if self.nr_conns >= self._most and not self.reading:
            return False
        try:
            client, address = listener.accept()
        except OSError:  # another worker was first, or the client left
            return False
        if self.nr_conns >= self._most:
            self._drop(self.reading[0])
        self.nr_conns += 1
        self._read_on(ReadConnection(self.cfg, client, address, listener.getsockname()))
        return True

    def on_client_socket_readable(self, conn: ReadConnection, client: socket.socket) -> None:
        """A connection that was kept begins its next request."""
        self.poller.unregister(client)
        self.keepalived_conns.remove(conn)
        self._read_on(conn)

    def finish_request(self, conn: ReadConnection, future: Any) -> None:
        """A thread is done with a request; what it read of the next one is the beginning of that."""
        self.long_reads.discard(conn)
        if self.long_waiting and self._may_read_long():
            self._start(self.long_waiting.popleft(), long=True)
        if not future.cancelled() and future.exception() is None and future.result() and self.alive:
            conn.read[:] = conn.parser.unreader.take_buffered()
            if conn.read:
                self._read_on(conn)
                return
        super().finish_request(conn, future)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """One round of the main loop. A busy worker looks now and then for what no other worker accepted."""
        super().wait_for_and_dispatch_events(timeout if self._accepting else min(timeout, FRESH_SECONDS))
        if not self._accepting and self.alive and time.monotonic() >= self._late_at:
            self._late_at = time.monotonic() + LATE_SECONDS
            for listener in self.sockets:
                listener.setblocking(False)
                for _ in range(LATE_AT_ONCE):
                    if not self.accept(listener):
                        break

    def murder_pending(self) -> None:
        """Close what did not send all of a request in time; a worker that stops waits for no silent one."""
        now = time.monotonic()
        for conn in [conn for conn in self.reading if conn.deadline <= now or not (self.alive or conn.read)]:
            self._drop(conn)
        for conn in [conn for conn in self.long_reads if conn.deadline <= now]:
            self.long_reads.discard(conn)
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)  # its thread reads the end of the request

    def _read_on(self, conn: ReadConnection) -> None:
        """Wait for the rest of a request beside all others."""
        conn.sock.setblocking(False)
        conn.since = time.monotonic()
        conn.deadline = conn.since + READ_SECONDS
        self.reading.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._on_readable, conn))
        self._look_at(conn)

    def _on_readable(self, conn: ReadConnection, client: socket.socket) -> None:
        try:
            data = client.recv(MAX_READ)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(conn)
            return
        conn.read += data
        self._look_at(conn)

    def _look_at(self, conn: ReadConnection) -> None:
        """Give a thread to what is whole, and to a few of those that are too long to be held."""
        if conn.read.startswith((b"\r", b"\n")):
            conn.read[:] = conn.read.lstrip(b"\r\n")
        whole = is_whole(conn.read) if conn.read else False
        if whole is False:
            self._ask_on(conn)
            return
        self.reading.remove(conn)
        self.poller.unregister(conn.sock)
        if whole and _LIVEZ.match(conn.read):
            self._say_alive(conn)
        elif whole:
            self._start(conn, long=False)
        elif self._may_read_long():
            self._start(conn, long=True)
        else:
            self.long_waiting.append(conn)

    def _may_read_long(self) -> bool:
        threads: int = self.cfg.threads
        return len(self.long_reads) < max(1, threads // 2)

    def _start(self, conn: ReadConnection, *, long: bool) -> None:
        if long:
            conn.deadline = time.monotonic() + LONG_READ_SECONDS
            self.long_reads.add(conn)
        conn.data_ready = True
        self.enqueue_req(conn)

    def _ask_on(self, conn: ReadConnection) -> None:
        """Tell a client that waits with the body to send it."""
        if not conn.asked_on and _EXPECTS.search(conn.read) and b"\r\n\r\n" in conn.read:
            conn.asked_on = True
            with suppress(OSError):
                conn.sock.send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _say_alive(self, conn: ReadConnection) -> None:
        with suppress(OSError):
            conn.sock.send(_ALIVE)
            conn.sock.shutdown(socket.SHUT_WR)
        self.nr_conns -= 1
        conn.close()

    def _drop(self, conn: ReadConnection) -> None:
        self.reading.remove(conn)
        self.poller.unregister(conn.sock)
        self.nr_conns -= 1
        conn.close()
