"""What a night costs: processor seconds by what they go to; and its pace beside a half-busy service.

    python benchmarks/night_cost.py --train ../shared/data/banking77/train_10.csv
    python benchmarks/night_cost.py --train ../shared/data/banking77/train_10.csv \\
        --beside ../shared/data/banking77/test.csv
    python benchmarks/night_cost.py --train ../shared/data/banking77/train_10.csv --processes 2   # by torchrun

One night that fine-tunes, as `helpdesk retrain` runs it, after the first version of a temporary home. With --beside
a service of the same home gets half of what 16 clients get through, in windows that take turns with quiet ones while
the night trains. The ratio is the mean time of a training step inside busy windows over that inside quiet ones, so that
other work on the machine meets both. Steps kept are those of the night's own report.
"""

import argparse
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from beside import AT_ONCE, CLIENTS, SETTLE
from home import temporary_home
from load import distinct_texts, post_all, post_paced
from services import free_port, helpdesk_service

from helpdesk.records.files.faq_files import read_labelled
from helpdesk.settings import Settings, temporary_settings

FOLDS, SHIPPED, REST = "fold encoders", "shipped encoder", "all else"
Event = dict[str, Any]
Window = tuple[float, float, bool]  # from, to, busy


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    if arguments.home:
        _night(arguments.home, arguments.seed)
        return
    rows = read_labelled(arguments.train)
    with temporary_home(rows, port=free_port(), seed=arguments.seed) as (settings, _):
        start = [sys.executable]
        if arguments.processes > 1:
            start = [*start, "-m", "torch.distributed.run", "--nproc-per-node", str(arguments.processes)]
        night = [*start, __file__, "--home", str(settings.home), "--seed", str(arguments.seed)]
        result = _beside(settings, night, arguments) if arguments.beside else _told(_started(settings, night))
    print(json.dumps(result) if arguments.json else "\n".join(f"{name:<24} {value}" for name, value in result.items()))


def _beside(settings: Settings, night: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    texts = distinct_texts([text for text, _ in read_labelled(arguments.beside)], seed=arguments.seed)
    windows: list[Window] = []
    with helpdesk_service(settings):
        post_all(settings.port, [next(texts) for _ in range(200)], clients=CLIENTS)
        rate = post_all(settings.port, [next(texts) for _ in range(AT_ONCE)], clients=CLIENTS).rps / 2
        process = _started(settings, night)
        for busy in itertools.cycle((False, True, True, False)):
            if process.poll() is not None:
                break
            began = time.monotonic()
            if busy:
                post_paced(settings.port, texts, rate=rate, seconds=arguments.seconds, seed=len(windows))
            else:
                time.sleep(arguments.seconds)
            windows.append((began + SETTLE, time.monotonic(), busy))
    return _told(process) | ratio(_events(settings), windows) | {"messages_a_second": round(rate, 1)}


def ratio(events: Sequence[Event], windows: Sequence[Window]) -> dict[str, Any]:
    """The mean seconds of a training step within busy windows and within quiet ones, and how they compare."""
    seconds: dict[bool, list[float]] = {True: [], False: []}
    for before, after in itertools.pairwise(events):
        if _kind(after) == REST or before["stage"] != after["stage"]:
            continue
        for begin, end, busy in windows:
            if begin <= before["clock"] and after["clock"] <= end:
                seconds[busy].append(after["clock"] - before["clock"])
    means = {busy: sum(some) / len(some) if some else float("nan") for busy, some in seconds.items()}
    return {
        "beside_to_alone": round(means[True] / means[False], 2),
        "step_s_alone": round(means[False], 3),
        "step_s_beside": round(means[True], 3),
        "steps_measured": [len(seconds[False]), len(seconds[True])],
    }


def processor_seconds_by_kind(events: Sequence[Event]) -> dict[str, float]:
    """What each kind of work used: the time between two reports belongs to the later one's stage."""
    used: Counter[str] = Counter()
    for before, after in itertools.pairwise(events):
        used[_kind(after)] += after["used"] - before["used"]
    return {f"{kind}, s": round(used[kind], 1) for kind in (FOLDS, SHIPPED, REST)}


def _kind(event: Event) -> str:
    stage = event["stage"]
    return FOLDS if stage.startswith("fine-tuning to") else SHIPPED if stage == "fine-tuning" else REST


def _started(settings: Settings, night: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        night, env=os.environ | {"OMP_NUM_THREADS": str(settings.train_threads)}, stdout=subprocess.PIPE
    )


def _told(process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    told, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"the night failed with {process.returncode}")
    return dict(json.loads(told.splitlines()[-1]))


def _events(settings: Settings) -> list[Event]:
    return [json.loads(line) for line in _log(settings.home).read_text().splitlines()]


def _log(home: Path) -> Path:
    return home / "night-events.jsonl"


def _night(home: Path, seed: int) -> None:
    """The measured process: one night, then its figures as JSON. One that follows it prints none."""
    from helpdesk.learning.night.budget import step_back
    from helpdesk.learning.night.plan import Plan
    from helpdesk.learning.night.run import run_night
    from helpdesk.learning.training.follow import follow
    from helpdesk.learning.training.several_processes import follows, joined
    from helpdesk.records.database import open_database

    settings = temporary_settings(home, seed=seed)
    step_back()
    if follows():
        follow(settings)
        return
    began = time.monotonic()
    with joined():
        report = run_night(settings, open_database(settings), plan=Plan(settings.train_minutes), progress=_Log(home))
    training = report.training.model_dump()
    kinds = processor_seconds_by_kind(_events(settings))
    figures = {"processor_s": round(_used(), 1), **kinds, "wall_s": round(time.monotonic() - began, 1)}
    kept = {"steps": training["taken_steps"], "wanted_steps": training["wanted_steps"]}
    print(json.dumps(figures | kept | {"threads": settings.train_threads, "load": os.getloadavg()[0]}))


class _Log:
    """Notes every report of progress, with clock and processor time."""

    def __init__(self, home: Path) -> None:
        self._file = _log(home).open("w")

    def __enter__(self) -> Self:
        self("", 0, 0)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self("", 0, 0)
        self._file.close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        self._file.write(json.dumps({"stage": stage, "clock": time.monotonic(), "used": _used()}) + "\n")


def _used() -> float:
    """Processor time of this process and its children so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, help="CSV text,intent or text,category")
    parser.add_argument("--beside", type=Path, help="CSV with messages to send to a service meanwhile")
    parser.add_argument("--seconds", type=float, default=12.0, help="a window")
    parser.add_argument("--processes", type=int, default=1, help="that fine-tune together; the first one's time counts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not (arguments.train or arguments.home):
        parser.error("give --train FILE")
    return arguments


if __name__ == "__main__":
    main()
