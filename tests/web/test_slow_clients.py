"""Clients that send slowly, half, or nothing hold no thread: others are answered meanwhile, and so is /livez."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2 as httpx
import plain_http
import pytest

from helpdesk.web.worker import MAX_READ, is_whole

APPLICATION = """
import time
def application(environ, start_response):
    if environ["PATH_INFO"] == "/stuck":
        time.sleep(20)
    said = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(said) + 2))])
    return [b"ok" + said]
"""
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"
WORKERS, THREADS = 2, 2


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Two workers of two threads, called as `helpdesk serve` calls them."""
    folder: Path = tmp_path_factory.mktemp("slow")
    (folder / "echo.py").write_text(APPLICATION)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number: int = listener.getsockname()[1]
    arguments = ["--bind", f"127.0.0.1:{number}", "--workers", str(WORKERS), "--threads", str(THREADS)]
    arguments += ["--worker-class", "helpdesk.web.worker.FairWorker", "--no-control-socket", "--log-level", "error"]
    arguments += ["--worker-connections", "100", "--graceful-timeout", "2", "echo:application"]
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", *arguments], cwd=folder)
    for _ in range(100):
        try:
            plain_http.get(f"http://127.0.0.1:{number}", timeout=5)
            break
        except httpx.HTTPError:
            time.sleep(0.1)
    yield number
    process.terminate()
    process.wait(30)


def connected(port: int, sent: bytes, held: ExitStack) -> socket.socket:
    """A client that has sent something and stays."""
    client = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=30))
    client.sendall(sent)
    return client


def heard(client: socket.socket, end: bytes) -> bytes:
    """What the server says up to some words, or to the end."""
    said = b""
    while end not in said and (more := client.recv(4096)):
        said += more
    return said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "number"),
    [
        (b"", 300),
        (b"POST / HT", 30),
        (HEAD, 30),
        (HEAD + b"Content-Length: 100\r\n\r\nhalf", 30),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhal", 30),
        (HEAD + b"Content-Length: 5000000\r\n\r\nhalf", 30),
        (b"\r\n\r\n", 30),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT", 30),
    ],
    ids=["silent", "line", "head", "body", "chunked", "upload", "blank", "pipelined"],
)
def test_half_requests_stop_nobody(port: int, sent: bytes, number: int) -> None:
    """However many there are, far more than threads."""
    with ExitStack() as held:
        for _ in range(number):
            connected(port, sent, held)
        for _ in range(8):
            assert plain_http.post(f"http://127.0.0.1:{port}", content=b"whole", timeout=5).text == "okwhole"
            assert plain_http.get(f"http://127.0.0.1:{port}/livez", timeout=5).status_code == 200


@pytest.mark.slow
def test_a_request_that_comes_in_pieces_is_answered(port: int) -> None:
    """Slow is not wrong, within the time for one; two requests at once on one connection are two."""
    with ExitStack() as held:
        client = connected(port, b"", held)
        for piece in (b"POST / HTT", b"P/1.1\r\nHost: x\r\nContent-Le", b"ngth: 4\r\n\r\nab", b"cdPOST / HTTP/1.1\r\n"):
            client.sendall(piece)
            time.sleep(0.05)
        assert b"okabcd" in heard(client, b"okabcd")
        client.sendall(b"Host: x\r\nContent-Length: 2\r\n\r\nef")
        assert b"okef" in heard(client, b"okef")


@pytest.mark.slow
def test_a_client_that_waits_to_be_asked_for_the_body_is_asked(port: int) -> None:
    """As curl does with long ones."""
    with ExitStack() as held:
        client = connected(port, HEAD + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n", held)
        assert client.recv(4096).startswith(b"HTTP/1.1 100 Continue\r\n")
        client.sendall(b"body")
        assert b"okbody" in heard(client, b"okbody")


@pytest.mark.slow
def test_a_long_body_arrives(port: int) -> None:
    """Uploads are read by a thread."""
    assert len(plain_http.post(f"http://127.0.0.1:{port}", content=b"x" * 3_000_000, timeout=20).content) == 3_000_002


@pytest.mark.slow
def test_livez_answers_while_every_thread_is_stuck(port: int) -> None:
    """From the main loop, whatever the pool does."""
    with ExitStack() as held:
        for _ in range(WORKERS * THREADS + 4):
            connected(port, b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n", held)
        time.sleep(0.5)
        for _ in range(8):
            assert plain_http.get(f"http://127.0.0.1:{port}/livez", timeout=3).json() == {"alive": True}


@pytest.mark.parametrize(
    ("read", "whole"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nHost: x\r\n", False),
        (HEAD + b"content-length:4\r\n\r\nbod", False),
        (HEAD + b"content-length:4\r\n\r\nbody", True),
        (HEAD + b"Content-Length: 99999999\r\n\r\n", None),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", None),
        (b"x" * MAX_READ, None),
    ],
)
def test_what_is_whole(read: bytes, whole: bool | None) -> None:
    """Head and all of the body; None where a thread has to read the rest."""
    assert is_whole(read) is whole
