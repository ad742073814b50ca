"""The console commands, as people type them."""

import gc
import io
import os
import stat
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest
from homes import LENIENT

from helpdesk.cli.main import main
from helpdesk.home import PRIVATE
from helpdesk.settings import Settings

HELPDESK = [str(Path(sys.executable).with_name("helpdesk"))]


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    stdout: str
    stderr: str


def run(settings: Settings, *words: str, code: int = 0) -> Said:
    """Run a command under the settings of a test's home; its exit code must be `code`."""
    names = ("base_model", *LENIENT)
    more = {f"HELPDESK_{name.upper()}": str(getattr(settings, name)) for name in names}
    return run_in(settings.home, *words, code=code, **more)


def run_in(home: Path, *words: str, code: int = 0, **more: str) -> Said:
    """Run a command in a home under the usual settings but for some more.

    In this process, which has loaded torch already, by somebody whose umask hides nothing: what the command wrote into
    the home must be for its user alone all the same.
    """
    out, err, exited = io.StringIO(), io.StringIO(), 0
    was_open = open_to_others(home)
    umask = os.umask(0)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in ({"HELPDESK_HOME": str(home)} | more).items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["helpdesk", *words])
        patch.setattr(os, "nice", lambda increment: 0)  # a night steps back; the tests after it need not
        patch.setattr(gc, "freeze", lambda: None)  # a command ends after it; this process does not
        try:
            main()
        except SystemExit as end:
            exited = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            os.umask(umask)
    assert exited == code, out.getvalue() + err.getvalue()
    opened = open_to_others(home)
    assert not (found := [str(path) for number, path in opened.items() if number not in was_open]), found
    return Said(out.getvalue(), err.getvalue())


def open_to_others(home: Path) -> dict[int, Path]:
    """The files of a home, and folders, that others than its user may read or write, by the number of what is there:
    bundles share files."""
    found = {path.stat().st_ino: path for path in (home, *home.rglob("*")) if path.exists()} if home.is_dir() else {}
    return {number: path for number, path in found.items() if stat.S_IMODE(path.stat().st_mode) & PRIVATE}


def run_process(home: Path, *words: str, code: int = 0, **more: str) -> Said:
    """A command by the installed script, in a process of its own, under the usual settings but for some more."""
    environment = {**os.environ, "HELPDESK_HOME": str(home), **more}
    done = subprocess.run([*HELPDESK, *words], capture_output=True, text=True, env=environment, timeout=1500)
    assert done.returncode == code, done.stdout + done.stderr
    return Said(done.stdout, done.stderr)
