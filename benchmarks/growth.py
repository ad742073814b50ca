"""How cost grows: with phrasings, messages stored, clients at once, tenants. One script, one picture.

    python benchmarks/growth.py                                   # all, at the SIZES below
    python benchmarks/growth.py --only phrasings --sizes 1000000  # adds a size to what was measured
    python benchmarks/growth.py --only nothing                    # draws again

phrasings   made-up vectors as in `search.py`, each size in a process of its own: seconds to build the graph and to open
            it with the vectors mapped, milliseconds of a search, recall at 10, megabytes of memory that are not shared
messages    a year of traffic as in `pages.py`: milliseconds of the processor for the desk, the metrics, the report of
            30 days and one message, megabytes of the database and of memory that this process has for itself
clients     that many at once, each with its own connection, at a service with the smallest of those homes: messages a
            second, latencies, milliseconds of the processor a message, megabytes of the larger worker (shared in parts)
tenants     that many homes with the starter FAQ in one web process: milliseconds to open each, megabytes of memory, the
            share of a core that they take while nobody writes, the median of a message to one after the other

What was measured is kept in --out, one JSON object a line, and the picture shows the newest of each.
"""

import argparse
import json
import logging
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from history import ACTIONS, PLACES, SUBJECTS
from load import Client, distinct_texts, post_all
from measured import append, circumstances, read
from pages import log_in, make
from search import phrasings
from services import family, free_port, helpdesk_service, processor_seconds

from helpdesk.app import create_app
from helpdesk.matching.index import HNSW_FROM, build_graph, open_index
from helpdesk.new_home import set_up
from helpdesk.progress import Bars
from helpdesk.records.database import open_database
from helpdesk.serving.memory import give_back_memory
from helpdesk.settings import Settings, temporary_settings

ROOT = Path(__file__).parent.parent
SIZES: Final = {
    "phrasings": (1_000, 3_000, 10_000, 30_000, 100_000),
    "messages": (10_000, 100_000, 500_000),
    "clients": (1, 4, 16, 64, 256),
    "tenants": (1, 10, 100, 500),
}
QUERIES, NEAREST = 1_000, 10
ROUNDS = 15
MESSAGES_EACH_RUN = 2_000
TENANT_MESSAGES, IDLE_SECONDS = 1_000, 20.0
PAGES: Final = {"desk": "/desk", "metrics": "/metrics", "report": "/desk/report"}
PANELS: Final = (
    ("phrasings", "search, ms", ("p50 ms", "p99 ms")),
    ("phrasings", "seconds", ("build s", "open s")),
    ("phrasings", "memory, MB", ("memory MB",)),
    ("messages", "processor, ms", ("desk ms", "metrics ms", "report ms", "message ms")),
    ("messages", "MB", ("database MB", "memory MB")),
    ("clients", "messages a second", ("a second",)),
    ("clients", "latency, ms", ("p50 ms", "p99 ms")),
    ("clients", "processor a message, ms", ("processor ms",)),
    ("clients", "memory, MB", ("memory MB",)),
    ("tenants", "milliseconds", ("open ms", "p50 ms")),
    ("tenants", "memory, MB", ("memory MB",)),
    ("tenants", "idle, % of a core", ("idle %",)),
)
Figures = dict[str, float]
T = TypeVar("T")


def main() -> None:
    """Measure what is asked for and draw all that is known."""
    arguments = _arguments()
    results = arguments.out / "growth.jsonl"
    if arguments.one:
        print(json.dumps(of_phrasings(arguments.one)))
        return
    logging.disable(logging.WARNING)
    measures = {"phrasings": _apart, "messages": of_messages, "clients": of_clients, "tenants": of_tenants}
    for what, measure in measures.items():
        if arguments.only in ("", what):
            for size in arguments.sizes or SIZES[what]:
                figures = measure(size, arguments.out)
                append(results, {"what": what, "size": size, "figures": figures, **circumstances()})
                shown = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
                print(f"{size:,} {what}: {shown}", flush=True)
    draw(read(results), arguments.out / "growth.svg")


def of_phrasings(size: int) -> Figures:
    """The index alone, as a bundle that was judged when it was built is opened."""
    asked, stored = np.split(phrasings(size + QUERIES, seed=0), [QUERIES])
    with tempfile.TemporaryDirectory() as folder:
        graph, vectors = Path(folder) / "index.bin", Path(folder) / "vectors.npy"
        np.save(vectors, stored)
        exact = [set(np.argpartition(-(stored @ query), NEAREST)[:NEAREST]) for query in asked[:200]]
        del stored
        mapped = np.asarray(np.load(vectors, mmap_mode="r"))
        built, _ = _timed(lambda: build_graph(mapped, graph))
        give_back_memory()  # what building took
        before = _own_memory()
        opened, index = _timed(lambda: open_index(mapped, graph, judged=size >= HNSW_FROM))
        times, found = [], 0
        for number, query in enumerate(asked):
            seconds, nearest = _timed(partial(index.search, query, NEAREST))
            times.append(seconds * 1000)
            found += len(exact[number] & set(nearest.rows)) if number < len(exact) else 0
        give_back_memory()
        memory = _own_memory() - before
    return {
        "p50 ms": statistics.median(times),
        "p99 ms": float(np.percentile(times, 99)),
        "recall": found / (len(exact) * NEAREST),
        "build s": built,
        "open s": opened,
        "memory MB": memory,
    }


def _apart(size: int, _: Path) -> Figures:
    """In a process of its own, since memory is measured."""
    said = subprocess.run([sys.executable, __file__, "--one", str(size)], check=True, capture_output=True, text=True)
    figures: Figures = json.loads(said.stdout.splitlines()[-1])
    return figures


def of_messages(size: int, out: Path) -> Figures:
    """Pages and one message in this process, over SQLite."""
    settings = _filled(size, out)
    client = create_app(settings).test_client()
    log_in(client)
    figures = {f"{name} ms": _processor_ms(partial(client.get, path)) for name, path in PAGES.items()}
    texts = _texts()

    def say() -> Any:
        return client.post("/webhooks/rest/webhook", json={"sender": next(texts), "message": next(texts)})

    figures["message ms"] = _processor_ms(say)
    stored = (settings.home / "helpdesk.db").stat().st_size / 1e6
    return figures | {"database MB": stored, "memory MB": _own_memory()}


def _filled(messages: int, out: Path) -> Settings:
    """A home with so many messages; made once."""
    settings = temporary_settings(out / f"messages-{messages}")
    if not (settings.home / "filled").exists():
        database = open_database(settings)
        make(settings, database, messages)
        database.close()
        (settings.home / "filled").touch()
    return settings


def of_clients(clients: int, out: Path) -> Figures:
    """A service with two workers under closed load of distinct messages."""
    settings = _filled(SIZES["messages"][0], out).model_copy(update={"port": free_port()})
    texts = _texts()
    with helpdesk_service(settings) as service:
        post_all(settings.port, [next(texts) for _ in range(200)], clients=16)
        before = processor_seconds(service)
        load = post_all(settings.port, [next(texts) for _ in range(MESSAGES_EACH_RUN)], clients=clients)
        used = processor_seconds(service) - before
        memory = max(worker.memory_full_info().pss for worker in family(service)[1:]) / 1e6
    return {
        "a second": load.rps,
        "p50 ms": load.p50,
        "p99 ms": float(np.percentile(load.latencies, 99)),
        "processor ms": 1000 * used / MESSAGES_EACH_RUN,
        "memory MB": memory,
    }


def of_tenants(tenants: int, out: Path) -> Figures:
    """One worker that has opened all of them. Homes are copies, but for their keys; bundles are linked."""
    folder = out / f"tenants-{tenants}"
    for number in range(tenants):
        _copy_home(_starter(out), folder / f"t{number}")
    settings = temporary_settings(out, tenants=folder, port=free_port(), workers=1)
    began = time.perf_counter()
    with helpdesk_service(settings) as service:
        opened = time.perf_counter() - began
        worker = family(service)[-1]
        texts, latencies = _texts(), []
        for number in range(TENANT_MESSAGES):
            client = Client(settings.port, host=f"t{number % tenants}.localhost")
            latencies.append(client.post(next(texts)))
            client.close()
        before = processor_seconds(service)
        time.sleep(IDLE_SECONDS)
        idle = (processor_seconds(service) - before) / IDLE_SECONDS
        memory = worker.memory_full_info().pss / 1e6
    shutil.rmtree(folder)
    return {
        "open ms": 1000 * opened / tenants,
        "p50 ms": statistics.median(latencies[tenants:] or latencies),
        "memory MB": memory,
        "idle %": 100 * idle,
    }


def _starter(out: Path) -> Path:
    """A home as `helpdesk init` leaves it; made once."""
    settings = temporary_settings(out / "tenant")
    if not (settings.home / "filled").exists():
        database = open_database(settings)
        for _ in set_up(settings, database, starter_faq=True, progress=Bars()):
            pass
        database.close()
        (settings.home / "filled").touch()
    return settings.home


def _copy_home(home: Path, folder: Path) -> None:
    if not folder.exists():
        shutil.copytree(home / "bundles", folder / "bundles", copy_function=os.link)
        shutil.copy2(home / "helpdesk.db", folder / "helpdesk.db")


def _texts() -> Iterator[str]:
    """Messages that no two are alike."""
    texts = [f"{act} my {thing} at {place}" for act in ACTIONS for thing in SUBJECTS for place in PLACES]
    return distinct_texts(texts, seed=time.time_ns())


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def _processor_ms(call: Callable[[], Any]) -> float:
    """The median of some rounds after one that is not counted."""
    call()
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        times.append(1000 * (time.process_time() - began))
    return statistics.median(times)


def _own_memory() -> float:
    """Megabytes that this process shares with nobody and no file holds."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss_Anon")) / 1000


def draw(records: Sequence[dict[str, Any]], path: Path) -> None:
    """A panel a cost, both axes logarithmic."""
    import matplotlib
    from matplotlib.figure import Figure

    newest = {(record["what"], record["size"]): record["figures"] for record in records}
    with matplotlib.rc_context({"svg.hashsalt": "helpdesk", "svg.fonttype": "none"}):
        figure = Figure(figsize=(13, 9.6), layout="constrained")
        places = figure.subplots(3, 4).flat
        for (what, title, names), axes in zip(PANELS, places, strict=False):
            sizes = sorted(size for kind, size in newest if kind == what)
            if not sizes:
                continue
            for name in names:
                axes.plot(sizes, [newest[what, size][name] for size in sizes], marker="o", label=name)
            axes.set(xscale="log", yscale="log", xlabel=what, title=title)
            axes.minorticks_off()
            low, high = axes.get_ylim()
            axes.set_ylim(low / 2, high * 2)  # or what hardly changes would look as if it did
            axes.grid(alpha=0.3)
            axes.legend(fontsize=8, frameon=False)
        for axes in places:
            axes.set_axis_off()
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", choices=("", *SIZES, "nothing"))
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "growth", help="folder of results, homes, picture")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
