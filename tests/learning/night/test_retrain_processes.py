"""Retraining in processes of its own: killed anywhere, started many times at once, repeated to the byte."""

import itertools
import json
import os
import random
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
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings

pytestmark = pytest.mark.slow

SEED = 4
PLAIN = "from helpdesk.cli.main import main; main()"
KILLED_AT = """
import os, sys
from importlib import import_module
module, name, when = sys.argv.pop(1).split(":")
owner = import_module(module)
real = getattr(owner, name)
def deadly(*args, **options):
    if when == "after":
        real(*args, **options)
    os.kill(os.getpid(), 9)
setattr(owner, name, deadly)
from helpdesk.cli.main import main
main()
"""
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

    def serving(self) -> int:
        """The version a fresh web process would serve; it must answer, and no other may be half there."""
        matcher = LiveMatcher(self.database, self.settings)
        matcher.refresh()
        live = matcher.take()
        assert live is not None, matcher.status()
        assert live.match("forgot my password").intent == "password"
        return live.version_id

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


def test_killed_at_every_step_the_old_or_the_new_version_serves(home: Home) -> None:
    """kill -9 while building, sealing, naming, promoting and tidying up; nothing waits for the dead run's lease."""
    home.teach()
    steps = {
        "helpdesk.learning.bundles.build:build_graph:after": 1,
        "helpdesk.matching.bundle:seal:before": 1,
        "helpdesk.matching.bundle:publish:before": 1,
        "helpdesk.matching.bundle:publish:after": 1,
        "helpdesk.records.versions:promote:after": 1,
        "helpdesk.learning.bundles.retention:prune:before": 2,
    }
    for step, version in steps.items():
        process = home.start(step, "retrain", "--no-finetune", script=KILLED_AT)
        _, complaints = process.communicate(timeout=300)
        assert process.returncode == -9, step + complaints
        assert home.serving() == version, step
    home.teach()

    assert "version 3 (refreshed) is in service" in home.run(0)
    assert home.is_tidy()


def test_killed_while_fine_tuning_the_old_version_serves(home: Home) -> None:
    """kill -9 after the first training, after the last, and before the new encoder's bundle is sealed."""
    home.teach()
    for step in (
        "helpdesk.learning.training.train:fine_tune:after",
        "helpdesk.learning.night.attempts:examine_encoder:before",
        "helpdesk.learning.bundles.build:_write_measurement:before",
    ):
        process = home.start(step, "retrain", "--steps", "2", script=KILLED_AT)
        _, complaints = process.communicate(timeout=300)
        assert process.returncode == -9, step + complaints
        assert home.serving() == 1, step

    assert "version 2 (refreshed) is in service" in home.run(0)
    assert home.is_tidy()


def test_killed_at_random_moments_the_next_run_succeeds(home: Home) -> None:
    """Moments drawn by a seed over the whole length of a run."""
    home.teach()
    started = time.monotonic()
    home.run(0)
    length = time.monotonic() - started
    chance = random.Random(SEED)
    for _ in range(4):
        home.teach()
        process = home.start()
        time.sleep(chance.uniform(0.3, 1.0) * length)
        process.kill()
        process.communicate()
        assert home.serving() >= 2
    home.teach()

    home.run(0)
    assert home.is_tidy()


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
