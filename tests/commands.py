"""The console commands, as people type them."""

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from helpdesk.cli.main import main

HELPDESK = [str(Path(sys.executable).with_name("helpdesk"))]


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    stdout: str
    stderr: str


def run(home: Path, *words: str, code: int = 0, **more: str) -> Said:
    """Run a command in a home; its exit code must be `code`. In this process, which has loaded torch already."""
    out, err, exited = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in variables(home, more).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["helpdesk", *words])
        try:
            main()
        except SystemExit as end:
            exited = end.code if isinstance(end.code, int) else int(end.code is not None)
    assert exited == code, out.getvalue() + err.getvalue()
    return Said(out.getvalue(), err.getvalue())


def run_process(home: Path, *words: str, code: int = 0, **more: str) -> Said:
    """The same by the installed script, in a process of its own."""
    environment = os.environ | variables(home, more)
    done = subprocess.run([*HELPDESK, *words], capture_output=True, text=True, env=environment, timeout=1500)
    assert done.returncode == code, done.stdout + done.stderr
    return Said(done.stdout, done.stderr)


def variables(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """The settings of a home with a FAQ too small for the usual contract."""
    return {"HELPDESK_HOME": str(home), "HELPDESK_MAX_WRONG_RATE": "0.2", "HELPDESK_ASSURANCE": "0.5", **more}
