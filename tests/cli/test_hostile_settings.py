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
import plain_http
import pytest
from bank import rows
from commands import run_in

from helpdesk.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow


SMALL = """
import sys
from pathlib import Path
import helpdesk.demo.run, helpdesk.new_home
from helpdesk.cli.main import main
folder = Path(sys.argv.pop(1))
helpdesk.new_home.resource = lambda name: folder
helpdesk.demo.run.play_month = lambda *settings, **more: None
main()
"""  # `helpdesk demo` with a FAQ of two entries, in which no month has gone by


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Where notifications would arrive."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.setblocking(False)
        yield made


@pytest.fixture
def hostile(listener: socket.socket, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process in `tmp_path`: it and `.env` name a home and a database that must stay away, and an
    address that nobody may notify."""
    ours = ("HELPDESK_", "PYTEST_")  # a suite that believed to be one of this one's workers would share its folders
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment["HELPDESK_HOME"] = str(tmp_path / "configured")
    environment["HELPDESK_NOTIFY_SECRET"] = "c2VjcmV0" * 8
    (tmp_path / ".env").write_text(
        f"HELPDESK_DATABASE_URL=sqlite:///{tmp_path / 'configured.db'}\n"
        f"HELPDESK_SECRET_KEY=theirs\nHELPDESK_NOTIFY_URL=http://127.0.0.1:{listener.getsockname()[1]}/never\n"
    )
    yield environment
    assert not list(tmp_path.glob("configured*"))
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_a_simulation_stays_in_its_own_folder(
    hostile: dict[str, str], tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nights are played, and nobody is notified of them."""
    for name, found in zip(("train", "test"), rows(), strict=True):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "intent"), *found])
    for name in os.environ.keys() - hostile.keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HELPDESK_NOTIFY_SECRET", hostile["HELPDESK_NOTIFY_SECRET"])
    monkeypatch.chdir(tmp_path)
    configured = load_settings().database_url
    assert configured is not None
    assert configured.get_secret_value() == f"sqlite:///{tmp_path / 'configured.db'}"
    size = ["--start-shots", "3", "--nights", "1", "--labels-per-night", "6", "--messages-per-night", "15", "--fast"]
    words = ["simulate", "--train", "train.csv", "--test", "test.csv", *size, "--full-data", "skip"]
    said = run_in(Path(hostile["HELPDESK_HOME"]), *words, HELPDESK_BASE_MODEL=str(tiny_base))

    assert "end accuracy" in said.stdout
    assert "notif" not in said.stderr


def test_a_demo_serves_its_own_database(hostile: dict[str, str], tiny_base: Path, tmp_path: Path) -> None:
    """Its web processes too: what is asked there is stored there."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "faq.csv").write_text(
        "intent,question,answer,phrasing\n"
        "vpn,Why is the VPN down?,Restart it.,vpn is down\nbadge,Where is my badge?,At the door.,badge is lost\n"
    )
    more = {"HELPDESK_BASE_MODEL": str(tiny_base), "TMPDIR": str(tmp_path / "tmp"), "HELPDESK_WORKERS": "1"}
    with demo(hostile | more, tmp_path) as address:
        said = plain_http.post(f"{address}/webhooks/rest/webhook", json={"sender": "a", "message": "only asked here"})
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
    command = [sys.executable, "-c", SMALL, str(folder), "demo", "--port", str(port)]
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
        return bool(plain_http.get(url, timeout=5).status_code == 200)
    except httpx.HTTPError:
        return False


def test_the_tests_have_their_own_homes(hostile: dict[str, str], tmp_path: Path) -> None:
    """A developer's `.env` lies in the folder that the tests are run in."""
    tests = ("records/test_database.py::test_upgrading_again_changes_nothing[sqlite]", "cli/test_faults.py")
    options = ["-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    options += ["-q", "-k", "upgrading or (no_home and faq and list) or (output and config)"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *(str(ROOT / "tests" / name) for name in tests)],
        cwd=tmp_path,
        env=hostile | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # none of them is asked here
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
