"""The gunicorn worker shares connections out."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2 as httpx
import plain_http
import pytest

pytestmark = pytest.mark.slow

SLOW_APPLICATION = """
import os, time
def application(environ, start_response):
    time.sleep(0.5)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
"""
ROUNDS = 5


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """Two workers of one thread each, serving an application that takes its time and names its process."""
    (tmp_path / "slow.py").write_text(SLOW_APPLICATION)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    arguments = ["--bind", f"127.0.0.1:{port}", "--workers", "2", "--threads", "1", "--log-level", "error"]
    arguments += ["--worker-class", "helpdesk.web.worker.FairWorker", "--no-control-socket", "slow:application"]
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", *arguments], cwd=tmp_path)
    for _ in range(100):
        try:
            plain_http.get(f"http://127.0.0.1:{port}", timeout=5)
            break
        except httpx.ConnectError:
            time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(30)


def test_a_busy_worker_leaves_the_next_connection_to_an_idle_one(url: str) -> None:
    """Two requests at once are never queued behind one another while a worker has nothing to do. On a busy machine the
    second may come when the first has its answer, which says nothing."""

    def get(_: int) -> tuple[float, float, str]:
        began = time.monotonic()
        served_by = plain_http.get(url, timeout=10).text
        return began, time.monotonic(), served_by

    with ThreadPoolExecutor(2) as both:
        pairs = [list(both.map(get, range(2))) for _ in range(ROUNDS)]
    at_once = [pair for pair in pairs if max(began for began, _, _ in pair) < min(ended for _, ended, _ in pair)]

    assert at_once
    assert all(len({served_by for _, _, served_by in pair}) == 2 for pair in at_once)
