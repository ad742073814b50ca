"""Where HNSW overtakes the exact matrix product: milliseconds a query both ways, in turns, one thread.

Milliseconds are the thread's processor time: on an idle machine the same as by the clock, on a busy one steadier.

    python benchmarks/search.py

The vectors are made up, but as alike as those of a real FAQ are (see `phrasings`), and the queries are new ones. Before
each timed search as much memory is read as the encoder reads for a message, because that is the state in which a search
finds the caches when it serves. `HNSW_FROM` in `helpdesk/matching/index.py` is set from the crossover printed here.
"""

import argparse
import itertools
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from helpdesk.matching.index import HNSW_FROM, Index, Neighbours, Vectors, build_graph, open_index
from helpdesk.matching.scorer import NEIGHBOURS

DIM: Final = 384
SIZES: Final = (500, 1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 12_000, 20_000, 50_000)
PHRASINGS: Final = 40  # an intent
INTENTS: Final = 10  # a topic
ENCODER_BYTES: Final = 32_000_000
HEADINGS: Final = ("phrasings", "exact_ms", "hnsw_ms", "exact_to_hnsw", "recall", "build_s")


def main() -> None:
    """Measure every size and print."""
    arguments = _arguments()
    with threadpool_limits(1):
        rows = [measure(size, queries=arguments.queries, seed=arguments.seed) for size in sorted(arguments.sizes)]
    result = {"rows": rows, "crossover": crossover(rows), "neighbours": NEIGHBOURS, "hnsw_from": HNSW_FROM}
    print(json.dumps(result) if arguments.json else as_table(result))


def measure(size: int, *, queries: int, seed: int) -> dict[str, float]:
    """Median milliseconds of a query both ways over one index of this size, and the recall of HNSW."""
    vectors = phrasings(size + queries, seed=seed)
    asked, stored = np.split(vectors, [queries])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.bin"
        started = time.perf_counter()
        build_graph(stored, path)
        seconds = time.perf_counter() - started
        index = open_index(stored, path, hnsw_from=0)
    if index._graph is None:
        raise RuntimeError(f"the graph over {size} vectors finds too few of the nearest; it would not serve")
    exact_ms, hnsw_ms, recall = _in_turns(index, asked)
    row = (size, exact_ms, hnsw_ms, exact_ms / hnsw_ms, recall, seconds)
    print(f"{size} phrasings: exact {exact_ms:.3f} ms, HNSW {hnsw_ms:.3f} ms", file=sys.stderr)
    return dict(zip(HEADINGS, row, strict=True))


def phrasings(count: int, *, seed: int) -> Vectors:
    """Unit vectors [count, 384] in random order, as alike as BANKING77's under all-MiniLM-L6-v2.

    There two phrasings of one intent have a mean cosine of 0.59, others 0.22, and the variance is spread as if over 37
    directions of equal weight (participation ratio). Here a shared direction, topics, intents and phrasings add up to
    the same, but for 46 directions. More rows are more intents, not larger ones.
    """
    chance = np.random.default_rng(seed)
    intents = -(-count // PHRASINGS)
    common = _directions(chance, 1)
    topics = _directions(chance, -(-intents // INTENTS)).repeat(INTENTS, axis=0)[:intents]
    centres = 0.45 * common + 0.35 * topics + 0.53 * _directions(chance, intents)
    vectors = centres.repeat(PHRASINGS, axis=0)[:count] + 0.64 * _directions(chance, count)
    chance.shuffle(vectors)
    unit: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _directions(chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Random unit vectors, some axes weighing more than others."""
    vectors = chance.normal(size=(count, DIM)) * np.arange(1, DIM + 1) ** -0.4
    scaled: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def _in_turns(index: Index, queries: Vectors) -> tuple[float, float, float]:
    """Median milliseconds exactly and by HNSW, query by query in turns, and the share of neighbours that HNSW finds."""
    weights = np.ones(ENCODER_BYTES // 4, dtype=np.float32)
    exact_times, hnsw_times, found = [], [], 0
    for query in queries:
        exact, milliseconds = _timed(index.search_exactly, query, weights)
        exact_times.append(milliseconds)
        near, milliseconds = _timed(index.search, query, weights)
        hnsw_times.append(milliseconds)
        found += len(np.intersect1d(exact.rows, near.rows))
    return statistics.median(exact_times), statistics.median(hnsw_times), found / (len(queries) * NEIGHBOURS)


def _timed(search: Callable[[Vectors, int], Neighbours], query: Vectors, weights: Vectors) -> tuple[Neighbours, float]:
    weights.sum()
    started = time.thread_time()
    neighbours = search(query, NEIGHBOURS)
    return neighbours, 1000 * (time.thread_time() - started)


def crossover(rows: Sequence[dict[str, float]]) -> int | None:
    """The number of phrasings at which both take equally long, between two sizes by straight lines; None: nowhere."""
    for smaller, larger in itertools.pairwise(rows):
        before, after = (row["exact_ms"] - row["hnsw_ms"] for row in (smaller, larger))
        if before < 0 <= after:
            way = -before / (after - before)
            return round(smaller["phrasings"] + way * (larger["phrasings"] - smaller["phrasings"]))
    return None


def as_table(result: dict[str, Any]) -> str:
    """A markdown table, one line a size."""
    lines: list[Sequence[str]] = [
        ("phrasings", "exact, ms", "HNSW, ms", "exact / HNSW", f"recall@{NEIGHBOURS}", "build, s"),
        ["---"] * len(HEADINGS),
    ]
    for row in result["rows"]:
        digits = dict(zip(HEADINGS, (0, 3, 3, 2, 4, 1), strict=True))
        lines.append([f"{row[name]:.{digits[name]}f}" for name in HEADINGS])
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return (
        f"{table}\n\ncrossover: {result['crossover'] and round(result['crossover'])}, HNSW_FROM: {result['hnsw_from']}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of phrasings")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
