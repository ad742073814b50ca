"""Processes as torchrun starts them: they fine-tune one encoder together, and none waits for one that is gone."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from forks import Forked, fork
from homes import LENIENT

pytestmark = pytest.mark.slow

RUN = "from helpdesk.cli.main import main; main()"
TRAIN = """
import sys
import numpy
from helpdesk.errors import HelpdeskError
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune
from helpdesk.learning.training.follow import follow
from helpdesk.learning.training.several_processes import follows, joined
from helpdesk.settings import load_settings

settings = load_settings()
intents, vectors, failing = int(sys.argv[1]), sys.argv[2], sys.argv[3:] == ["failing"]
texts = [f"{verb} the {'x' * (n % 9)} thing {n}" for n in range(intents) for verb in ("see", "find", "buy", "paint")]

def fail(done, total):
    if done == 2:
        raise HelpdeskError("enough")

def train(progress):
    model = load_base(settings.base_model, threads=1)
    plan = TrainingPlan(steps=6, intents=intents, learning_rate=1e-3)
    numbers = [n // 4 for n in range(len(texts))]
    fine_tune(model, texts, intents=numbers, plan=plan, seed=0, progress=progress)
    return model

if follows():
    print(follow(settings))
else:
    with joined():
        if failing:
            try:
                train(fail)
            except HelpdeskError:
                pass
        model = train(lambda *_: None)
    numpy.save(vectors, model.encode(texts[:8]))
"""
DYING = """
import os
from helpdesk.learning.training import several_processes
several_processes.received_places = lambda: os._exit(9)
from helpdesk.cli.main import main
main()
"""


@pytest.fixture
def base(tiny_base: Path, tmp_path: Path) -> Path:
    """The tiny base model without dropout, which each process would draw by itself."""
    folder = Path(shutil.copytree(tiny_base, tmp_path / "base"))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dropout": 0.0, "attention_dropout": 0.0}))
    return folder


@pytest.fixture
def start(base: Path, tiny_home: Path, tmp_path: Path) -> Callable[..., list[Forked]]:
    """Starts a script for each process, in a copy of the tiny home."""
    home = Path(shutil.copytree(tiny_home, tmp_path / "home"))
    values = {"home": home, "base_model": base, "train_threads": 1, **LENIENT}
    settings = {f"HELPDESK_{name.upper()}": str(value) for name, value in values.items()}

    def begin(scripts: list[str], *words: str) -> list[Forked]:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            port = free.getsockname()[1]
        group = {"TORCHELASTIC_RUN_ID": "none", "MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        group |= {"WORLD_SIZE": str(len(scripts))}
        return [
            fork(
                script,
                *words,
                environment=os.environ | settings | group | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
                folder=tmp_path,
            )
            for rank, script in enumerate(scripts)
        ]

    return begin


def outcome(process: Forked) -> tuple[int | None, str]:
    """Its exit code and what it printed, which without one is everything."""
    said, complaints = process.communicate(timeout=120)
    return process.returncode, said if process.returncode == 0 else said + complaints


@pytest.mark.parametrize("intents", [3, 40], ids=["fewer chunks than processes", "five chunks"])
def test_two_processes_train_what_one_would(start: Callable[..., list[Forked]], tmp_path: Path, intents: int) -> None:
    """The same batches and the same steps, so the same encoder but for rounding."""
    alone, both = tmp_path / "alone.npy", tmp_path / "both.npy"
    assert [outcome(one) for one in start([TRAIN], str(intents), str(alone))] == [(0, "")]
    assert [outcome(one) for one in start([TRAIN, TRAIN], str(intents), str(both))] == [(0, ""), (0, "1\n")]

    assert np.allclose(np.load(alone), np.load(both), atol=1e-4)


def test_a_night_is_run_by_the_first_process(start: Callable[..., list[Forked]]) -> None:
    """The others train with it and say nothing."""
    leader, *followers = start([RUN] * 3, "retrain", "--steps", "3", "--dry-run", "--json")
    code, said = outcome(leader)

    assert code == 0, said
    training = json.loads(said)["training"]
    assert training["taken_steps"] == training["wanted_steps"] >= 6
    assert [outcome(one) for one in followers] == [(0, "")] * 2


def test_a_training_that_fails_lets_the_others_go(start: Callable[..., list[Forked]], tmp_path: Path) -> None:
    """They end, and the first process trains on alone."""
    leader, follower = start([TRAIN, TRAIN], "3", str(tmp_path / "vectors.npy"), "failing")

    assert outcome(leader) == (0, "")
    assert (tmp_path / "vectors.npy").exists()
    assert outcome(follower) == (0, "0\n")


def test_another_base_model_is_refused(start: Callable[..., list[Forked]], base: Path, tmp_path: Path) -> None:
    """Rather than that processes wait for weights that do not come."""
    other = Path(shutil.copytree(base, tmp_path / "other"))
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"n_layers": config["n_layers"] - 1}))
    with_other = f"import os; os.environ['HELPDESK_BASE_MODEL'] = {str(other)!r}\n{RUN}"
    ended = [outcome(one) for one in start([RUN, with_other], "retrain", "--steps", "3", "--dry-run")]

    assert [code for code, _ in ended] == [1, 1]
    assert all("process 1 of torchrun has another model than process 0" in said for _, said in ended)


def test_a_process_that_dies_fails_the_night(start: Callable[..., list[Forked]]) -> None:
    """Rather than that the others wait for it."""
    leader, dead = start([RUN, DYING], "retrain", "--steps", "3", "--dry-run")
    code, complaints = outcome(leader)

    assert code == 1
    assert "the other processes of torchrun do not answer" in complaints
    assert outcome(dead)[0] == 9
