"""Python processes that need not load the heavy libraries: forked from one that has loaded them."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.context import ForkServerProcess
from pathlib import Path

LOADED = [
    "alembic.command",
    "helpdesk.cli.main",
    "helpdesk.learning.night.run",
    "matplotlib.backends.backend_svg",
    "matplotlib.figure",
    "sentence_transformers",
    "sklearn.linear_model",
]
_context = get_context("forkserver")
_context.set_forkserver_preload(LOADED)


@dataclass(frozen=True)
class Forked:
    """A running process, with the few methods of `subprocess.Popen` that tests use."""

    process: ForkServerProcess
    said: Path
    complaints: Path

    @property
    def pid(self) -> int:
        """The process id."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """The exit code, -9 for a killed one; None while it runs."""
        return self.process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it printed, once it has ended."""
        self.process.join(timeout)
        return self.said.read_text(), self.complaints.read_text()


def fork(script: str, *words: str, environment: Mapping[str, str], folder: Path) -> Forked:
    """Run a script as `python -c` would with these words; what it prints goes to files in the folder."""
    number = len(list(folder.glob("fork-*.out")))
    said, complaints = folder / f"fork-{number}.out", folder / f"fork-{number}.err"
    said.touch()
    complaints.touch()
    process = _context.Process(
        target=_run, args=(script, words, dict(environment), str(said), str(complaints)), daemon=True
    )
    process.start()
    return Forked(process, said, complaints)


def _run(script: str, words: tuple[str, ...], environment: dict[str, str], said: str, complaints: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    for number, path in ((1, said), (2, complaints)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = ["-c", *words]
    exec(script, {"__name__": "__main__"})
