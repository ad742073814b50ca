"""Speed of serving, beside the bare encoder and beside the service a tutorial builds, interleaved in one run.

p50_ratio_to_bare       one message over HTTP, one at a time, against the bare encode of the same message (medians);
                        bare: weights in 8 bits by blocks, whatever is shipped today
cpu_ratio_to_plain      processor time a message, all processes of the service, against the plain service's
rps_ratio_to_plain      distinct messages a second at 16 clients, against the plain service
repeated_ratio_to_plain, exact_ratio_to_plain
                        the same for messages that come again and again, and for phrasings of the FAQ word for word
rps_ratio_to_NAME, cpu_ratio_to_NAME
                        with --rivals: the same against another system behind Flask, of rivals/NAME.py
half_load_p99_ms        of messages that arrive at random at half of that rate; from when they were due
slowest_of_64_ms        the slowest first answer of 64 clients that come at the same moment

python benchmarks/serve.py --train ../shared/data/banking77/train.csv --test ../shared/data/banking77/test.csv

Rounds go on until the 95% interval of every ratio is at most a tenth of it wide, or their number is up, which is said
then. Rounds in which others used more than a tenth of the machine do not count, and with too few others there is no
figure at all; `--beside-other-work` counts them, and says so.
"""

import argparse
import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import numpy as np
from home import bench_home
from intervals import FEWEST, Ratio, ratio_of
from load import Client, distinct_texts, first_answers, post_all, post_paced
from machine import MOST_BUSY, Instructions, Watch
from services import (
    Process,
    free_port,
    helpdesk_service,
    plain_service,
    processor_seconds,
    rival_service,
    worker_memory,
)
from yardstick import bare_encoder

from helpdesk.matching.bundle import ENCODER
from helpdesk.matching.encoder import Encoder
from helpdesk.records.database import Database
from helpdesk.records.files.faq_files import read_labelled
from helpdesk.records.versions import current
from helpdesk.settings import Settings
from helpdesk.text import normalise

CLIENTS = 16
ONE_BY_ONE = 150
AT_ONCE = 400
REPEATED = 40  # texts that come again and again
NEW_CLIENTS = 64
PACED_SECONDS = 8.0
SERVED = ("semantic_router_1_1", "autointent_0_4")
RATIOS = {
    "p50_ratio_to_bare": ("helpdesk_p50_ms", "bare_p50_ms"),
    "cpu_ratio_to_plain": ("helpdesk_cpu_ms", "plain_cpu_ms"),
    "rps_ratio_to_plain": ("helpdesk_rps", "plain_rps"),
    "repeated_ratio_to_plain": ("helpdesk_repeated_rps", "plain_repeated_rps"),
    "exact_ratio_to_plain": ("helpdesk_exact_rps", "plain_exact_rps"),
}
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Measured:
    """What is measured: the bare encoder, each service with its port, and the messages it is sent."""

    bare: Encoder
    services: Mapping[str, tuple[Process, int]]
    texts: Iterator[str]
    phrasings: Iterator[str]


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    texts = distinct_texts([text for text, _ in read_labelled(arguments.test)], seed=arguments.seed)
    phrasings = [text for text, _ in read_labelled(arguments.train)]
    with bench_home(arguments.train, home=arguments.home, port=free_port(), seed=arguments.seed) as (
        settings,
        database,
    ):
        result = measure(settings, database, texts, phrasings, arguments)
    result |= {"train": arguments.train.name, "test": arguments.test.name, "phrasings": len(phrasings)}
    print(json.dumps(result) if arguments.json else as_table(result))


def measure(
    settings: Settings, database: Database, texts: Iterator[str], phrasings: Sequence[str], limits: argparse.Namespace
) -> dict[str, Any]:
    """Rounds over bare encoder, helpdesk and the plain service. Exits when the machine was too busy for a figure."""
    with database.read() as session:
        serving = current(session)
    if serving is None:
        raise RuntimeError("no version was built")
    bundle, plain_port = settings.bundles / serving.directory, free_port()
    rounds: list[Figures] = []
    others: list[float] = []
    with (
        ExitStack() as stack,
        bare_encoder(bundle / ENCODER) as bare,
        helpdesk_service(settings) as ours,
        plain_service(bundle, plain_port) as plain,
    ):
        services = {"helpdesk": (ours, settings.port), "plain": (plain, plain_port)}
        for name in limits.rivals:
            port, rows = free_port(), read_labelled(limits.train)
            services[name] = stack.enter_context(rival_service(name, rows, port, envs=limits.envs)), port
        measured = Measured(bare, services, texts, itertools.cycle(phrasings))
        for number in range(limits.most_rounds):
            with Watch([process for process, _ in services.values()]) as watch:
                figures = one_round(measured, seed=number)
            others.append(watch.others)
            print(f"round {number + 1}: others used {watch.others:.0%} of the machine", file=sys.stderr)
            if watch.others <= MOST_BUSY or limits.beside_other_work:
                rounds.append(figures)
            if len(rounds) >= limits.rounds and all(
                ratio.is_narrow for ratio in ratios(rounds, limits.rivals).values()
            ):
                break
        memory = worker_memory(ours)
    if len(rounds) < FEWEST:
        sys.exit(
            f"no figure: others used {min(others):.0%} to {max(others):.0%} of the machine, and {len(rounds)} of "
            f"{len(others)} rounds met it idle enough (at most {MOST_BUSY:.0%}); --beside-other-work counts all"
        )
    return {
        **_summed_up(rounds, limits.rivals),
        "worker_memory_mb": round(memory, 1),
        "rounds": len(rounds),
        "rounds_left_out": len(others) - len(rounds),
        "others_used": round(statistics.median(others), 3),
        "beside_other_work": bool(limits.beside_other_work),
        "load": os.getloadavg(),
        "workers": settings.workers,
        "threads": settings.threads,
    }


def one_round(measured: Measured, *, seed: int) -> dict[str, float]:
    """Every figure once, the services one after the other."""
    texts, found = measured.texts, one_by_one(measured)
    loads = {
        "": _take(texts, AT_ONCE),
        "_repeated": _take(texts, REPEATED) * (AT_ONCE // REPEATED),
        "_exact": _take(measured.phrasings, AT_ONCE),
    }
    for kind, load in loads.items():
        for name, (process, port) in measured.services.items():
            if kind and name not in ("helpdesk", "plain"):
                continue
            before = processor_seconds(process)
            found[f"{name}{kind}_rps"] = post_all(port, load, clients=CLIENTS).rps
            found[f"{name}{kind}_cpu_ms"] = 1000 * (processor_seconds(process) - before) / len(load)
    process, port = measured.services["helpdesk"]
    rate = found["helpdesk_rps"] / 2
    paced = post_paced(port, texts, rate=rate, seconds=PACED_SECONDS, seed=seed)
    found["half_load_p99_ms"] = float(np.quantile(paced.latencies, 0.99))
    found["slowest_of_64_ms"] = max(first_answers(port, _take(texts, NEW_CLIENTS)))
    with Instructions(process) as instructions:
        post_all(port, _take(texts, AT_ONCE), clients=CLIENTS)
    if instructions.count is not None:
        found["million_instructions_a_message"] = instructions.count / AT_ONCE / 1e6
    return found


def one_by_one(measured: Measured) -> dict[str, float]:
    """Median milliseconds of each message's bare encode and of posting it to each service.

    They take turns message by message, so that each meets the same machine, and caches that others just used.
    """
    measured.bare.encode(["warm up"])
    times: dict[str, list[float]] = {name: [] for name in ("bare", *measured.services)}
    clients = {name: Client(port) for name, (_, port) in measured.services.items()}
    bare_used = 0.0
    for text in _take(measured.texts, ONE_BY_ONE):
        started, used = time.perf_counter(), time.thread_time()
        measured.bare.encode([normalise(text)])
        bare_used += time.thread_time() - used
        times["bare"].append((time.perf_counter() - started) * 1000)
        for name, client in clients.items():
            times[name].append(client.post(text))
    for client in clients.values():
        client.close()
    medians = {f"{name}_p50_ms": statistics.median(values) for name, values in times.items()}
    return {**medians, "bare_cpu_ms": 1000 * bare_used / ONE_BY_ONE}


def ratios(rounds: Sequence[Figures], rivals: Sequence[str]) -> dict[str, Ratio]:
    """Each ratio over the rounds."""
    wanted = dict(RATIOS)
    for name in rivals:
        wanted[f"rps_ratio_to_{name}"] = ("helpdesk_rps", f"{name}_rps")
        wanted[f"cpu_ratio_to_{name}"] = ("helpdesk_cpu_ms", f"{name}_cpu_ms")
    return {name: ratio_of([one[over] / one[under] for one in rounds]) for name, (over, under) in wanted.items()}


def _summed_up(rounds: Sequence[Figures], rivals: Sequence[str]) -> dict[str, Any]:
    """Ratios with their intervals, medians of the rest, and which ratios are not known well enough."""
    known = ratios(rounds, rivals)
    names = [name for name in rounds[0] if all(name in one for one in rounds)]
    return {
        **{name: round(ratio.mean, 3) for name, ratio in known.items()},
        "intervals": {name: [round(ratio.low, 3), round(ratio.high, 3)] for name, ratio in known.items()},
        "too_wide": [name for name, ratio in known.items() if not ratio.is_narrow],
        **{name: round(statistics.median(one[name] for one in rounds), 2) for name in names},
    }


def _take(texts: Iterator[str], count: int) -> list[str]:
    return list(itertools.islice(texts, count))


def as_table(result: Mapping[str, Any]) -> str:
    """One line a figure."""
    return "\n".join(f"{name:<32} {value}" for name, value in result.items())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="CSV text,intent or text,category")
    parser.add_argument("--test", type=Path, required=True, help="CSV with the messages to send")
    parser.add_argument("--home", type=Path, help="where the home of these rows is kept, or is to be kept")
    parser.add_argument("--rounds", type=int, default=5, help="at least")
    parser.add_argument("--most-rounds", type=int, default=20)
    parser.add_argument("--beside-other-work", action="store_true", help="count rounds on a busy machine, and say so")
    parser.add_argument("--rivals", nargs="*", default=[], choices=SERVED, help="other systems behind Flask too")
    parser.add_argument("--envs", type=Path, default=Path(gettempdir()) / "helpdesk-rivals", help="their environments")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
