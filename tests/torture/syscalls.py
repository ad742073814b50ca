"""A night whose process dies, or whose disk fails, at one of its own calls to write something down (by strace)."""

import shutil
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

from torture.stage import Stage
from torture.trainers import PLAIN, REFRESH, start, teach, untidy

CALLS = ("fsync", "fdatasync", "rename", "unlink", "mkdir")
FAULTS = ("signal=KILL", "error=EIO", "error=ENOSPC")


def fail_at_calls(stage: Stage) -> None:
    """Killed, or told of an I/O error or a full disk, at any fsync, fdatasync, rename, unlink or mkdir of a night."""
    if shutil.which("strace") is None:
        stage.outcome.left_out = "needs strace"
        return
    with stage.traffic(clients=1, pause=0.1):
        made = _count(stage)
        calls = [(call, when) for call, count in made.items() for when in range(1, count + 1)]
        for number in stage.rounds():
            teach(stage.world, number)
            call, when = stage.chance.choice(calls)
            fault = FAULTS[number % len(FAULTS)]
            code, said = _traced(stage, f"inject={call}:{fault}:when={when}")
            at = f"{fault} at {call} number {when}"
            ended = -signal.SIGKILL if fault == FAULTS[0] else 1
            codes = (ended, 0, 10)  # the latter two: the call came less often this time, or did not matter
            stage.outcome.expect(code in codes, f"{at}: ended with {code}: {said[-300:]}")
            stage.outcome.expect("Traceback" not in said, f"{at}: {said[-300:]}")
            stage.world.current()
            stage.outcome.add("nights that ended there", code == ended)
        night = start(stage.world, stage.folder, *REFRESH)
        said, complaints = night.communicate(timeout=600)
        stage.outcome.expect(night.returncode in (0, 10), f"the night after them failed: {complaints[-300:]}")
        stage.outcome.problems += untidy(stage.world)


def _count(stage: Stage) -> Counter[str]:
    """How often a night makes each of the calls."""
    teach(stage.world, -1)
    log = stage.folder / "calls"
    code, said = _traced(stage, "", log)
    assert code in (0, 10), said
    lines = log.read_text().splitlines()
    log.unlink()
    return Counter(call for line in lines for call in CALLS if f" {call}(" in f" {line.split(' ', 1)[-1]}")


def _traced(stage: Stage, inject: str, log: Path = Path("/dev/null")) -> tuple[int, str]:
    """A night under strace: how it ended, and what it printed."""
    words = ["strace", "-f", "--seccomp-bpf", "-o", str(log), "-e", f"trace={','.join(CALLS)}"]
    words += ["-e", inject] if inject else []
    words += [sys.executable, "-c", PLAIN, *REFRESH]
    done = subprocess.run(
        words, env=stage.world.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1800
    )
    return done.returncode, done.stdout
