"""OpenMP's threads sleep while they wait, whichever door a training came through."""

import os
import re
import subprocess
import sys
from contextvars import ContextVar, copy_context

import pytest

from helpdesk.threads import start_thread, wait_asleep

POLICIES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
TRAINING = "import helpdesk.learning.training.base_model, torch"
COMMAND = f"import helpdesk.cli.main, helpdesk.home, helpdesk.app; {TRAINING}, sklearn.linear_model"


def spins(script: str, **more: str) -> set[str]:
    """How long GNU's runtimes spin in a process that loads torch, by what they say themselves."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name not in POLICIES}
        | {"OMP_DISPLAY_ENV": "VERBOSE"}
        | more,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return set(re.findall(r"GOMP_SPINCOUNT = '(\w+)'", done.stderr))


def test_a_thread_names_in_its_log_lines_what_its_starter_does() -> None:
    """Only what was named before it was started."""
    whose: ContextVar[str] = ContextVar("whose", default="")
    seen: list[str] = []

    def start() -> None:
        whose.set("shop")
        thread = start_thread(lambda: seen.append(whose.get()), name="test")
        whose.set("bank")
        thread.join()

    copy_context().run(start)

    assert seen == ["shop"]


@pytest.mark.slow
def test_a_process_that_may_train_lets_no_thread_spin() -> None:
    """Every door of training leads through the room that says so, and torch is loaded nowhere else."""
    assert spins(TRAINING) == {"0"}


@pytest.mark.slow
def test_a_command_that_imports_much_else_before_lets_no_thread_spin() -> None:
    """As `helpdesk init` does before it builds a bundle."""
    assert spins(COMMAND) == {"0"}


@pytest.mark.slow
def test_an_operator_who_names_a_policy_gets_it() -> None:
    """A machine that does nothing else may spin."""
    found = spins(TRAINING, OMP_WAIT_POLICY="ACTIVE")

    assert found
    assert "0" not in found


def test_this_suite_trains_without_spinning() -> None:
    """It was said before any test could load torch."""
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_only_what_is_not_named_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """LLVM's own name stays as it is, too."""
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("KMP_BLOCKTIME", "200")
    wait_asleep()

    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert os.environ["KMP_BLOCKTIME"] == "200"
