"""Vector -> nearest phrasings: exact search, and HNSW (hnswlib) above a measured size.

hnswlib crashes or gives wrong results on input it does not expect, so this module checks every call, and no other
module imports it. Reference: Malkov and Yashunin 2018, arXiv 1603.09320.
"""

from dataclasses import dataclass
from pathlib import Path

import hnswlib
import numpy as np
from numpy.typing import NDArray

from helpdesk.errors import BundleError, UnavailableError

Vectors = NDArray[np.float32]

HNSW_FROM = 2000  # phrasings; by `benchmarks/search.py` equal at 1,000 to 1,700, HNSW a third faster at 3,000
MIN_RECALL = 0.97
RECALL_ROWS = 200  # rows whose neighbours are compared with the exact ones, at most
SELF_ROWS = 10_000  # rows that must find themselves; 0.2 ms each
AGAIN_ROWS = 200  # of these, where a graph was judged when it was built
LARGE = 100_000  # rows of which exact search takes too long, and of which any graph loses some
SAME = 1e-4  # of the cosine similarity of a unit vector with itself
_M = 24
_EF_CONSTRUCTION = 200
_EF = 96  # of up to LARGE rows
_EF_GROWTH = 0.43  # beyond, so that the recall at 10 of a million rows is .995


@dataclass(frozen=True)
class Neighbours:
    """The nearest phrasings of one vector: positions in the phrasing table and cosine similarities, best first."""

    rows: NDArray[np.int64]
    similarities: NDArray[np.float32]


class Index:
    """Search over unit vectors [count, dim]. Immutable while it serves."""

    def __init__(self, vectors: Vectors, *, graph: "hnswlib.Index | None" = None, in_graph: int | None = None) -> None:
        """`in_graph`: how many of the vectors the graph has (None: all); later ones are compared one by one."""
        self._vectors = _checked(vectors)
        self._graph = graph
        self._in_graph = len(vectors) if in_graph is None else in_graph

    @property
    def has_graph(self) -> bool:
        """Whether HNSW serves; else search is exact."""
        return self._graph is not None

    def with_rows(self, vectors: Vectors) -> "Index":
        """The same with a few more unit vectors [n, dim] at the end; the graph stays as it is."""
        return Index(np.concatenate([self._vectors, vectors]), graph=self._graph, in_graph=self._in_graph)

    def search(self, vector: Vectors, k: int) -> Neighbours:
        """The k nearest rows (fewer when there are fewer), by HNSW when it serves, else exactly."""
        if self._graph is None:
            return self.search_exactly(vector, k)
        self._check_query(vector)
        try:
            rows, distances = self._graph.knn_query(vector[None, :], k=min(k, self._in_graph), num_threads=1)
        except RuntimeError:  # hnswlib reaches fewer than k elements, e.g. among many duplicates
            return self.search_exactly(vector, k)
        found = Neighbours(rows[0].astype(np.int64), (1.0 - distances[0]).astype(np.float32))
        return found if self._in_graph == len(self._vectors) else self._with_later(found, vector, k)

    def _with_later(self, found: Neighbours, vector: Vectors, k: int) -> Neighbours:
        """The neighbours that the graph found, and those of the rows that it lacks."""
        later = np.arange(self._in_graph, len(self._vectors), dtype=np.int64)
        rows = np.concatenate([found.rows, later])
        similarities = np.concatenate([found.similarities, self._vectors[later] @ vector])
        best = np.argsort(-similarities, kind="stable")[:k]
        return Neighbours(rows[best], similarities[best])

    def search_exactly(self, vector: Vectors, k: int) -> Neighbours:
        """The k nearest rows by one matrix product: exact, and used to serve small indexes."""
        self._check_query(vector)
        similarities = self._vectors @ vector
        k = min(k, len(similarities))
        nearest = np.argpartition(-similarities, k - 1)[:k] if k else np.empty(0, dtype=np.int64)
        nearest = nearest[np.argsort(-similarities[nearest], kind="stable")]
        return Neighbours(nearest.astype(np.int64), similarities[nearest])

    def recall(self, queries: Vectors, k: int = 10) -> float:
        """Share of the exact k nearest that `search` finds too, over queries [n, dim]."""
        found = 0
        for query in queries:
            exact = self.search_exactly(query, k).rows
            found += len(np.intersect1d(exact, self.search(query, k).rows))
        return found / max(1, len(queries) * min(k, len(self._vectors)))

    def count_lost(self, rows: NDArray[np.int64]) -> int:
        """How many of these rows the graph does not find, nor one equal, when it is asked for the row's vector."""
        if self._graph is None:
            return 0
        asked = self._vectors[rows]
        try:
            found, _ = self._graph.knn_query(asked, k=1, num_threads=1)
        except RuntimeError:
            return len(rows)
        own = np.sum(asked * self._vectors[found[:, 0].astype(np.int64)], axis=1)
        return int(np.sum(own <= 1.0 - SAME))

    def _check_query(self, vector: Vectors) -> None:
        if vector.shape != (self._vectors.shape[1],):
            raise BundleError(f"query of shape {vector.shape}; the index holds {self._vectors.shape[1]} dimensions")
        if not np.isfinite(vector).all():
            raise BundleError("query holds NaN or infinity")


def build_graph(vectors: Vectors, path: Path) -> None:
    """Write the HNSW graph of unit vectors [count, dim]; with one thread, so that equal input gives an equal file."""
    _checked(vectors)
    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    graph.init_index(max_elements=len(vectors), M=_M, ef_construction=_EF_CONSTRUCTION, random_seed=0)
    graph.add_items(vectors, np.arange(len(vectors)), num_threads=1)
    graph.save_index(str(path))
    if path.stat().st_size < vectors.nbytes:
        raise UnavailableError(f"{path} is shorter than its vectors: is the disk full?")


def open_index(
    vectors: Vectors,
    path: Path,
    *,
    intents: "NDArray[np.int32] | None" = None,
    hnsw_from: int = HNSW_FROM,
    judged: bool | None = None,
) -> Index:
    """An index over the vectors and the graph file, which must have been verified by its hash before.

    Both ways of searching are opened; HNSW serves from `hnsw_from` vectors on, if it finds the exact neighbours.
    `intents` [count]: the intent of each vector. A graph loses few vectors beside a large cluster, and those of the
    smallest intents; so a sample takes as many of every intent, and one vector that does not find itself is too many.
    Of LARGE vectors a graph loses a few of those that were added first, and one in 500 may be lost (two of AGAIN_ROWS).
    `judged`: what `has_graph` of the index said when it was built, so that only few rows are looked at again; None:
    nobody did, and it is done now.
    """
    index = Index(vectors, graph=_load_graph(vectors, path))
    if len(vectors) < hnsw_from or judged is False:
        return Index(vectors)
    rows = _in_turn(np.zeros(len(vectors), dtype=np.int32) if intents is None else intents)
    asked = rows[: AGAIN_ROWS if judged else SELF_ROWS]
    may_be_lost = max(2, len(asked) // 500) if len(vectors) >= LARGE else 0
    if index.count_lost(asked) > may_be_lost:
        return Index(vectors)
    if not judged and index.recall(vectors[rows[:RECALL_ROWS]]) < MIN_RECALL:
        return Index(vectors)
    return index


def _in_turn(intents: "NDArray[np.int32]") -> "NDArray[np.int64]":
    """All rows, by chance but always alike: one of every intent, then another one of each that has more, and so on."""
    chance = np.random.default_rng(0)
    rows = chance.permutation(len(intents))
    together = rows[np.argsort(intents[rows], kind="stable")]
    grouped = intents[together]
    turns = np.arange(len(intents)) - np.searchsorted(grouped, grouped)
    return together[np.lexsort((chance.random(len(intents)), turns))].astype(np.int64)


def _load_graph(vectors: Vectors, path: Path) -> "hnswlib.Index":
    graph = hnswlib.Index(space="ip", dim=vectors.shape[1])
    try:
        graph.load_index(str(path), max_elements=len(vectors))
    except RuntimeError as error:
        raise BundleError(f"{path}: {error}") from None
    if graph.get_current_count() != len(vectors):
        raise BundleError(f"{path} holds {graph.get_current_count()} vectors; expected {len(vectors)}")
    graph.set_ef(round(_EF * max(1.0, len(vectors) / LARGE) ** _EF_GROWTH))
    return graph


def _checked(vectors: Vectors) -> Vectors:
    if vectors.ndim != 2 or not len(vectors) or vectors.dtype != np.float32:
        raise BundleError(f"vectors of shape {vectors.shape}, {vectors.dtype}; expected [count, dim] of float32")
    squares = np.einsum("ij,ij->i", vectors, vectors)  # without a copy of all vectors
    if not np.all(np.abs(np.sqrt(squares) - 1.0) < 1e-3):
        raise BundleError("vectors that are not finite or not of unit length")
    return vectors
