"""Do the tests notice? Small faults are planted one by one by mutmut (see `[tool.mutmut]`), each must fail some test.

A seeded sample, bounded in time; another call goes on where the last one ended. Faults that change nothing that
anybody could notice (a bound that is never reached) survive by right: read them before writing a test.
"""

import argparse
import json
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
PLANTED = ROOT / "mutants" / "helpdesk"
FIRST = "helpdesk.stats.intervals.*"  # a run of any names plants all faults there are
KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {5, 33}  # how pytest ended; none of its tests reaches the line
Results = dict[str, int | None]


def main() -> None:
    """Run the sample and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0, help="when to stop (default: %(default)s)")
    parser.add_argument("--sample", type=int, default=400, help="how many faults at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which ones (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    options = parser.parse_args()
    deadline = time.monotonic() + 60 * options.minutes
    if not PLANTED.exists():
        run([FIRST], workers=options.workers, seconds=deadline - time.monotonic())
    chosen = sample(read_results(), size=options.sample, seed=options.seed)
    waiting = [name for name in chosen if read_results()[name] is None]
    if waiting:
        run(waiting, workers=options.workers, seconds=deadline - time.monotonic())
    print("\n".join(summary({name: read_results()[name] for name in chosen})))


def run(names: list[str], *, workers: int, seconds: float) -> None:
    """Let mutmut try these until the time is up; it keeps each result as it comes."""
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers), *names]
    try:
        subprocess.run(command, cwd=ROOT, timeout=max(1.0, seconds), check=False, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        print("stopped: the time is up", file=sys.stderr)


def read_results() -> Results:
    """Of every planted fault how its tests ended; None when it was not tried yet."""
    found: Results = {}
    for path in sorted(PLANTED.rglob("*.meta")):
        found |= json.loads(path.read_text())["exit_code_by_key"]
    return found


def sample(results: Results, *, size: int, seed: int) -> list[str]:
    """Some of the faults, the same ones each time."""
    names = sorted(results)
    return random.Random(seed).sample(names, min(size, len(names)))


def summary(results: Results) -> list[str]:
    """A line a module and the sum as a Markdown table, then the survivors."""
    lines = ["| module | tried | killed | survived | no test | score |", "|---|---|---|---|---|---|"]
    modules = sorted({module_of(name) for name in results})
    for module in [*modules, "all"]:
        counts = Counter(
            verdict(code) for name, code in results.items() if code is not None and module in ("all", module_of(name))
        )
        tried = sum(counts.values())
        score = f"{(tried - counts['survived'] - counts['no test']) / tried:.0%}" if tried else "-"
        lines.append(
            f"| {module} | {tried} | {counts['killed'] + counts['timeout']} | {counts['survived']} "
            f"| {counts['no test']} | {score} |"
        )
    waiting = sum(code is None for code in results.values())
    survivors = [f"survived: {name}" for name, code in results.items() if code in SURVIVED]
    return [*lines, "", f"{waiting} of {len(results)} were not tried; `mutmut show NAME` shows one", *survivors]


def verdict(code: int) -> str:
    """What an exit code of mutmut means."""
    if code in KILLED:
        return "killed"
    if code in SURVIVED:
        return "survived"
    return "no test" if code in UNTESTED else "timeout"


def module_of(name: str) -> str:
    """The module a fault was planted in."""
    return name.rpartition("__mutmut_")[0].rpartition(".")[0].removeprefix("helpdesk.")


if __name__ == "__main__":
    main()
