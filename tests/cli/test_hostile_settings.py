"""`demo`, `simulate` and the tests never touch what is configured, whatever the environment and `.env` say."""

import csv
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2 as httpx
import pytest
from bank import rows
from commands import HELPDESK

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process in `tmp_path`: it and `.env` name a home and a database that must stay away."""
    ours = ("HELPDESK_", "PYTEST_")  # a suite that believed to be one of this one's workers would share its folders
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["HELPDESK_HOME"] = str(tmp_path / "configured")
    environment["HELPDESK_NOTIFY_SECRET"] = "c2VjcmV0" * 8
    (tmp_path / ".env").write_text(
        f"HELPDESK_DATABASE_URL=sqlite:///{tmp_path / 'configured.db'}\n"
        "HELPDESK_SECRET_KEY=theirs\nHELPDESK_NOTIFY_URL=http://127.0.0.1:1/never\n"
    )
    yield environment
    assert not list(tmp_path.glob("configured*"))


def test_a_simulation_stays_in_its_own_folder(hostile: dict[str, str], tiny_base: Path, tmp_path: Path) -> None:
    """Nights are played, and nobody is notified of them."""
    for name, found in zip(("train", "test"), rows(), strict=True):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "intent"), *found])
    size = ["--start-shots", "3", "--nights", "1", "--labels-per-night", "6", "--messages-per-night", "15", "--fast"]
    more = {"HELPDESK_BASE_MODEL": str(tiny_base)}
    done = subprocess.run(
        [*HELPDESK, "simulate", "--train", "train.csv", "--test", "test.csv", *size, "--full-data", "skip"],
        cwd=tmp_path,
        env=hostile | more,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr
    assert "notif" not in done.stderr


def test_a_demo_serves_its_own_database(hostile: dict[str, str], tiny_base: Path, tmp_path: Path) -> None:
    """Its web processes too: what is asked there is stored there."""
    (tmp_path / "tmp").mkdir()
    more = {"HELPDESK_BASE_MODEL": str(tiny_base), "TMPDIR": str(tmp_path / "tmp"), "HELPDESK_WORKERS": "1"}
    with demo(hostile | more, tmp_path) as address:
        said = httpx.post(f"{address}/webhooks/rest/webhook", json={"sender": "a", "message": "only asked here"})
        assert said.status_code == 200
    (home,) = (tmp_path / "tmp").glob("helpdesk-demo-*")
    with sqlite3.connect(home / "helpdesk.db") as database:
        (asked,) = database.execute("SELECT count(*) FROM messages WHERE text = 'only asked here'").fetchone()

    assert asked == 1


@contextmanager
def demo(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """A running demo; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [*HELPDESK, "demo", "--port", str(port)]
    with (folder / "demo.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        while not answers(f"{address}/readyz"):
            assert process.poll() is None, (folder / "demo.log").read_text()
            time.sleep(0.5)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def answers(url: str) -> bool:
    """Whether a server says that it is ready."""
    try:
        return bool(httpx.get(url, timeout=5).status_code == 200)
    except httpx.HTTPError:
        return False


def test_the_tests_have_their_own_homes(hostile: dict[str, str], tmp_path: Path) -> None:
    """A developer's `.env` lies in the folder that the tests are run in."""
    tests = ("records/test_database.py::test_upgrading_again_changes_nothing[sqlite]", "cli/test_faults.py")
    options = ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    options += ["-q", "-k", "upgrading or no_home or output"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(str(ROOT / "tests" / name) for name in tests)],
        cwd=tmp_path,
        env=hostile,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
