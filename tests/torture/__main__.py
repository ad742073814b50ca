"""Plays the cases and writes docs/reliability.md.

    python -m torture                                   # everything; hours
    python -m torture --only "worker killed" --times 5 --seed 7 --database sqlite
    python -m torture --scale 0.1                       # a tenth of everything

Exit code 1 when a case did not pass, or not in time. What each run found is kept in the folder of --out, one JSON
object a line, and the report shows the newest of each case, so that a long run can be done in parts.
"""

import argparse
import logging
import math
import random
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fakes import tiny_model
from measured import append, circumstances, read

from torture.cases import CASES
from torture.postgres import Postgres
from torture.report import write_report
from torture.stage import Case, Outcome, Stage, end_in_order_when_terminated
from torture.suite import SUITE, run_tests
from torture.worlds import World, make_world

ROOT = Path(__file__).parent.parent.parent
RESULTS = "results.jsonl"
DATABASES = ("sqlite", "postgresql")


def main() -> None:
    """Play what is asked for, then write the report."""
    wanted = _arguments()
    end_in_order_when_terminated()
    logging.disable(logging.WARNING)
    seed = wanted.seed if wanted.seed is not None else random.SystemRandom().randrange(10**6)
    results = wanted.out / RESULTS
    passed = True
    for name, (_, _, tests) in SUITE.items():
        if wanted.suite and is_wanted(name, wanted.only):
            outcome = play_tests(tests)
            print(f"{name}: {outcome.done} tests passed; {outcome.problems or 'no failure'}", file=sys.stderr)
            append(results, record(name, "both", None, outcome))
            passed &= not (outcome.problems or outcome.late)
    for database in wanted.database or DATABASES:
        cases = [case for case in CASES if database in case.databases and is_wanted(case.name, wanted.only)]
        if not cases:
            continue
        with tempfile.TemporaryDirectory(prefix="helpdesk-torture-") as folder, worlds(Path(folder), database) as world:
            for number, case in enumerate(cases):
                print(f"{database}, case {number + 1} of {len(cases)}: {case.name}", file=sys.stderr)
                times = wanted.times or max(1, round(case.times * wanted.scale))
                stage = Stage(f"{case.name} {database}", world, times, seed, wanted.out.resolve(), wanted.minutes)
                outcome = play(case, stage)
                append(results, record(case.name, database, seed, outcome))
                passed &= not (outcome.problems or outcome.late)
    write_report(read(results), wanted.report)
    sys.exit(not passed)


def is_wanted(name: str, only: Sequence[str] | None) -> bool:
    """Whether a name holds one of the words; any does without words."""
    return not only or any(words in name for words in only)


@contextmanager
def worlds(folder: Path, database: str) -> Iterator[World]:
    """One of a kind of database, of a small random encoder: what is tried here does not depend on what words mean."""
    base = tiny_model(folder / "base", "distilbert")
    postgres = Postgres() if database == "postgresql" else None
    try:
        yield make_world(folder, base, postgres)
    finally:
        if postgres is not None:
            postgres.close()


def play(case: Case, stage: Stage) -> Outcome:
    """One case. What it raises is a problem like any other."""
    stage.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    try:
        case.play(stage)
    except Exception as error:
        traceback.print_exc()
        stage.outcome.problems.append(f"{type(error).__name__}: {error}"[:500])
    found = stage.outcome
    said = found.left_out or "; ".join([*found.problems, *found.late]) or "passed"
    print(f"\n  {time.monotonic() - began:.0f} s, {found.figures}: {said}", file=sys.stderr)
    return found


def play_tests(names: Sequence[str]) -> Outcome:
    """Tests of the suite as a case."""
    done, left_out, failed = run_tests(names)
    return Outcome(done, {"left out": left_out} if left_out else {}, failed)


def record(name: str, database: str, seed: int | None, outcome: Outcome) -> dict[str, object]:
    """What is kept of a case that was played."""
    return {"case": name, "database": database, "seed": seed, **vars(outcome), **circumstances()}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="WORDS", help="only cases whose name holds these words")
    parser.add_argument("--seed", type=int, help="what is drawn; without it another one each time")
    parser.add_argument("--times", type=int, help="how often each case is done, instead of its own number")
    parser.add_argument("--scale", type=float, default=1.0, help="share of each case's own number")
    parser.add_argument("--minutes", type=float, default=math.inf, help="no round of a case begins after so many")
    parser.add_argument("--database", action="append", choices=DATABASES)
    parser.add_argument("--no-suite", dest="suite", action="store_false", help="leave out cases that tests play")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "torture", help="folder of results and traffic")
    parser.add_argument("--report", type=Path, default=ROOT / "docs" / "reliability.md")
    return parser.parse_args()


if __name__ == "__main__":
    main()
