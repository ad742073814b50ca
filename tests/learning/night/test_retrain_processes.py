"""Retraining in processes of its own: started many times at once, repeated to the byte.

Nights that are killed are cases of tests/torture.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from forks import Forked, fork
from homes import LENIENT
from sqlalchemy import select

from helpdesk.records import faq, versions
from helpdesk.records.clock import now
from helpdesk.records.database import open_database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Lease
from helpdesk.settings import load_settings

pytestmark = pytest.mark.slow

PLAIN = "from helpdesk.cli.main import main; main()"
HOLDING = """
import time
from helpdesk.learning.bundles import retention as upkeep
real = upkeep.remove_leftovers
def patient(store, database):
    (store.folder.parent / "holding").touch()
    while not (store.folder.parent / "go").exists():
        time.sleep(0.05)
    real(store, database)
upkeep.remove_leftovers = patient
from helpdesk.cli.main import main
main()
"""


class Home:
    """A copy of the tiny home, and `helpdesk retrain` in it."""

    def __init__(self, source: Path, folder: Path, base: Path) -> None:
        self.folder = Path(shutil.copytree(source, folder))
        self.settings = load_settings(home=folder, base_model=str(base), train_threads=1, **LENIENT)
        self.database = open_database(self.settings)
        self._numbers = itertools.count()

    def teach(self) -> None:
        """One phrasing more, so that there is something to refresh."""
        with self.database.write() as session:
            entry = Entry("vpn", phrasings=(f"tunnel number {next(self._numbers)} is closed",))
            faq.store_entries(session, [entry], author="ann", source="edit")

    def start(self, *words: str, script: str = PLAIN) -> Forked:
        """`helpdesk retrain --no-finetune` unless other words are given; a script takes what it wants of them first."""
        words = words or ("retrain", "--no-finetune")
        return fork(script, *words, environment=self._environment(), folder=self.folder.parent)

    def start_anew(self, *words: str, hash_seed: str) -> "subprocess.Popen[str]":
        """A command in a Python of its own."""
        return subprocess.Popen(
            [sys.executable, "-c", PLAIN, *words],
            env=self._environment() | {"PYTHONHASHSEED": hash_seed},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def _environment(self) -> dict[str, str]:
        chosen = ("home", "base_model", "train_threads", *LENIENT)
        return os.environ | {f"HELPDESK_{name.upper()}": str(getattr(self.settings, name)) for name in chosen}

    def run(self, code: int) -> str:
        """A run that must end with this exit code; what it printed."""
        process = self.start()
        said, complaints = process.communicate(timeout=300)
        assert process.returncode == code, said + complaints
        return said

    def is_tidy(self) -> bool:
        """No leftovers, no bundle without a version, no version without a bundle, no lease in force."""
        with self.database.read() as session:
            named = {version.directory for version in versions.list_versions(session)}
            held = session.scalars(select(Lease).where(Lease.expires_at > now())).all()
        return named == {path.name for path in self.settings.bundles.iterdir()} and not held


@pytest.fixture
def home(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Iterator[Home]:
    """A home of its own for each test."""
    made = Home(tiny_home, tmp_path / "home", tiny_base)
    yield made
    made.database.close()


def test_of_many_runs_at_once_one_runs_and_the_others_say_busy(home: Home) -> None:
    """Exit codes for cron: busy 75, promoted 0, kept 10; busy ones name the process that runs, which is niced."""
    home.teach()
    holder = home.start(script=HOLDING)
    _wait(lambda: (home.folder / "holding").exists() or holder.poll() is not None)
    others = [home.start() for _ in range(3)]
    for other in others:
        _, complaints = other.communicate(timeout=300)
        assert other.returncode == 75, complaints
        assert f"a retraining is running already (process {holder.pid} on " in complaints
    assert psutil.Process(holder.pid).nice() >= 10
    (home.folder / "go").touch()
    said, complaints = holder.communicate(timeout=300)

    assert holder.returncode == 0, complaints
    assert "version 2 (refreshed) is in service" in said
    assert "version 2 stays in service" in home.run(10)
    assert home.is_tidy()


def test_two_runs_from_the_same_state_build_the_same_bytes(home: Home, tiny_base: Path, tmp_path: Path) -> None:
    """Refreshed and fine-tuned, in two homes and two processes whose hash seeds differ."""
    home.teach()
    twin = Home(home.folder, tmp_path / "twin", tiny_base)
    words = ("retrain", "--steps", "3", "--dry-run", "--json")
    runs: list[Forked | subprocess.Popen[str]] = [home.start(*words), twin.start_anew(*words, hash_seed="1")]
    hashes = []
    for run in runs:
        said, complaints = run.communicate(timeout=300)
        assert run.returncode == 0, complaints
        assert "[INFO]" not in complaints, "lines of libraries"
        built = json.loads(said)["candidates"]
        hashes.append({kind: found["content_hash"] for kind, found in built.items()})
    twin.database.close()

    assert hashes[0] == hashes[1]
    assert set(hashes[0]) == {"refreshed", "retrained"}
    assert len(set(hashes[0].values())) == 2


def _wait(done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert done()
