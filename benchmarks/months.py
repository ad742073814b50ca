"""Months of `helpdesk simulate`, arm by arm, each in a process of its own with one thread, several at a time.

    python benchmarks/months.py --folder ../shared/data
    python benchmarks/months.py --folder ../shared/data --only banking77,noise --seeds 1 --jobs 1

Thirty nights of 40 labels from five rows an intent, fine-tuned every fifth night. Each arm is appended to a file once
it is played and is not played again, unless the code behind it has changed: a run can be stopped and resumed.

banking77   ours, every candidate promoted, labels in random order; 3 seeds
noise       10% of the labels are wrong; ours and every candidate promoted
broken      every tenth night's candidates are broken; ours and every candidate promoted
clinc150    30% of the messages out of scope; 1 seed

gap closed      of the way from the start to training on all rows (`--full`, a hidden-test accuracy for each set)
lost            promotions after which the hidden test is significantly worse (McNemar, Holm over the run)
labels ratio    labels that the queue's order needs over those of random order, for the same smoothed accuracy
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from measured import Record, append, circumstances, digest, read

from helpdesk.records.files.labelled_sets import read_set
from helpdesk.settings import temporary_settings
from helpdesk.simulation.options import Options
from helpdesk.simulation.run import ALWAYS_PROMOTE, ANY_ORDER, OURS, play_alone
from helpdesk.simulation.summary import gap_closed, labels_ratio

ROOT: Final = Path(__file__).resolve().parent.parent
ARMS: Final = {kind.name: kind for kind in (OURS, ALWAYS_PROMOTE, ANY_ORDER)}
FILES: Final = {
    "banking77": ("banking77/train.csv", "banking77/test.csv"),
    "clinc150": ("clinc150/data_full.json", "clinc150/data_full.json"),
}
HEADINGS: Final = ("case", "arm", "start", "end", "gap closed", "lost", "answered", "of them wrong", "promoted")


@dataclass(frozen=True)
class Case:
    """A set, what is special about its months, which arms are played and with how many seeds at most."""

    data: str
    arms: tuple[str, ...]
    seeds: int = 3
    special: dict[str, Any] = field(default_factory=dict)


CASES: Final = {
    "banking77": Case("banking77", (OURS.name, ALWAYS_PROMOTE.name, ANY_ORDER.name)),
    "noise": Case("banking77", (OURS.name, ALWAYS_PROMOTE.name), special={"label_noise": 0.1}),
    "broken": Case("banking77", (OURS.name, ALWAYS_PROMOTE.name), special={"broken_every": 10}),
    "clinc150": Case("clinc150", (OURS.name,), seeds=1, special={"oos_share": 0.3}),
}
Job = tuple[str, str, int]


def main(words: Sequence[str] | None = None) -> None:
    """Play what is missing, print what there is."""
    arguments = _arguments(words)
    code = digest(sorted((ROOT / "helpdesk").rglob("*.py")), f"{arguments.nights} nights")
    known = [record for record in read(arguments.results) if record["code"] == code]
    done = {(record["case"], record["arm"], record["seed"]) for record in known}
    wanted = [job for job in _jobs(arguments.only, arguments.seeds) if job not in done]
    if wanted and not arguments.show:
        known += _play(wanted, code, arguments)
    print(json.dumps(known) if arguments.json else as_table(known, arguments.full))


def _jobs(cases: Sequence[str], seeds: int) -> Iterator[Job]:
    for seed in range(seeds):
        for name in cases:
            if seed < CASES[name].seeds:
                yield from ((name, arm, seed) for arm in CASES[name].arms)


def _play(jobs: Sequence[Job], code: str, arguments: argparse.Namespace) -> list[Record]:
    os.environ["OMP_NUM_THREADS"] = "1"
    played = []
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(arguments.jobs, mp_context=spawn, max_tasks_per_child=1) as pool:
        futures = [pool.submit(play, job, arguments.folder, arguments.nights) for job in jobs]
        for future in as_completed(futures):
            if future.exception() is None:
                played.append(future.result() | {"code": code, **circumstances()})
                append(arguments.results, played[-1])
    for future in futures:
        future.result()  # raises what broke an arm, once the others are stored
    return played


def play(job: Job, folder: Path, nights: int) -> Record:
    """The summary of one arm, with the seconds it took by the clock and of processor time."""
    name, arm, seed = job
    case = CASES[name]
    train, test = (folder / path for path in FILES[case.data])
    options = Options(start_shots=5, nights=nights, labels_per_night=40, seed=seed, fast=True, **case.special)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="helpdesk-months-") as home:
        settings = temporary_settings(Path(home), seed=seed, train_threads=1)
        summary = play_alone(
            ARMS[arm],
            read_set(train, "train"),
            read_set(test, "test"),
            options,
            settings,
            tell=lambda line: print(f"{name}, seed {seed}: {line}", file=sys.stderr, flush=True),
        )
    seconds = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time()}
    return {"case": name, "arm": arm, "seed": seed, **seconds, **summary}


def as_table(records: Sequence[Record], full: dict[str, float]) -> str:
    """A markdown table, one line a case and arm, means over the seeds; the ratio of labels below."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["case"], record["arm"]), []).append(record)
    lines = [HEADINGS, ["---"] * len(HEADINGS), *(_cells(*key, group, full) for key, group in groups.items())]
    ratios = [f"labels ratio, {case}, seed {seed}: {ratio:.2f}" for case, seed, ratio in _ratios(records)]
    return "\n".join([*(f"| {' | '.join(cells)} |" for cells in lines), "", *ratios])


def _cells(case: str, arm: str, records: Sequence[Record], full: dict[str, float]) -> Sequence[str]:
    last = [record["nights"][-1] for record in records]
    gaps = [gap_closed(r["start_accuracy"], r["end_accuracy"], full.get(CASES[case].data)) for r in records]
    return (
        f"{case} ({len(records)})",
        arm,
        _percent([record["start_accuracy"] for record in records]),
        _percent([record["end_accuracy"] for record in records]),
        _percent([gap for gap in gaps if gap is not None]),
        ", ".join(str(record["significant_regressions"]) for record in records),
        _percent([row["coverage"] for row in last]),
        _percent([row["wrong_rate"] for row in last if row["wrong_rate"] is not None]),
        ", ".join(str(sum(row["verdict"] == "promoted" for row in record["nights"])) for record in records),
    )


def _ratios(records: Sequence[Record]) -> Iterator[tuple[str, int, float]]:
    found = {(record["case"], record["arm"], record["seed"]): record for record in records}
    for (case, arm, seed), record in found.items():
        other = found.get((case, ANY_ORDER.name, seed))
        ratio = labels_ratio(record, other) if arm == OURS.name and other else None
        if ratio is not None:
            yield case, seed, ratio


def _percent(values: Sequence[float]) -> str:
    return f"{100 * statistics.mean(values):.1f}%" if values else ""


def _arguments(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="holds banking77/ and clinc150/")
    parser.add_argument("--only", default=",".join(CASES), help=f"cases, by comma, of {', '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=3, help="at most so many of each case")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="arms at a time")
    parser.add_argument("--full", default="", help="accuracies by comma, as banking77=0.9386,clinc150=0.9675")
    parser.add_argument("--show", action="store_true", help="play nothing, print what the results file holds")
    parser.add_argument("--results", type=Path, default=Path("var") / "months.jsonl", help="played so far")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(words)
    arguments.only = arguments.only.split(",")
    if unknown := set(arguments.only) - set(CASES):
        parser.error(f"{', '.join(sorted(unknown))} is unknown; expected some of {', '.join(CASES)}")
    pairs = [pair.partition("=") for pair in arguments.full.split(",") if pair]
    arguments.full = {name: float(value) for name, _, value in pairs}
    return arguments


if __name__ == "__main__":
    main()
