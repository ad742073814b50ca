"""Search: exact as the oracle, HNSW beside it, both safe against bad input."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from helpdesk.errors import BundleError
from helpdesk.matching import index as index_module
from helpdesk.matching.index import Index, build_graph, open_index


def unit(count: int, dim: int = 16, seed: int = 0) -> NDArray[np.float32]:
    """Random unit vectors."""
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    scaled: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def test_exact_search_is_the_matrix_product() -> None:
    """Best first, as many as asked for."""
    vectors, query = unit(200), unit(1, seed=1)[0]

    found = Index(vectors).search(query, 5)

    order = np.argsort(-(vectors @ query))[:5]
    assert found.rows.tolist() == order.tolist()
    assert np.allclose(found.similarities, (vectors @ query)[order])


def test_hnsw_finds_nearly_what_exact_search_finds(tmp_path: Path) -> None:
    """Recall at 10 of at least 97% on queries it never saw."""
    vectors = unit(3000)
    build_graph(vectors, tmp_path / "index.bin")

    index = open_index(vectors, tmp_path / "index.bin", hnsw_from=0)

    assert index.has_graph
    assert index.recall(unit(100, seed=2)) >= 0.97


@pytest.mark.parametrize("seed", range(3))
def test_no_phrasing_hides_behind_a_large_cluster(tmp_path: Path, seed: int) -> None:
    """4,000 phrasings of one intent that are nearly alike, and 36 intents with ten each: HNSW finds 96% of the nearest
    and more, and misses those of the few; whoever asks for these gets them all the same."""
    few, alike = np.repeat(unit(36, 64, seed=seed), 10, axis=0), np.repeat(unit(1, 64, seed=seed + 10), 4000, axis=0)
    few, alike = few + 0.6 * unit(360, 64, seed=seed + 20), alike + 0.1 * unit(4000, 64, seed=seed + 30)
    vectors = np.concatenate([few, alike])
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    messages = few + 0.5 * unit(360, 64, seed=seed + 40)
    messages /= np.linalg.norm(messages, axis=1, keepdims=True)
    build_graph(vectors, tmp_path / "index.bin")

    index = open_index(vectors, tmp_path / "index.bin", intents=np.repeat(np.arange(37), [*[10] * 36, 4000]))

    nearest = np.argmax(messages @ vectors.T, axis=1)
    assert [index.search(message, 1).rows[0] for message in messages] == nearest.tolist()


def test_a_graph_that_was_judged_when_it_was_built_is_taken_at_that_word(tmp_path: Path) -> None:
    """A sound one that was found wanting does not serve; of one that was found sound a few rows are asked again, and
    those of another graph do not find themselves."""
    vectors = unit(500)
    build_graph(vectors, tmp_path / "index.bin")
    build_graph(unit(500, seed=1), tmp_path / "other.bin")

    def serves(name: str, judged: bool | None) -> bool:
        return open_index(vectors, tmp_path / name, hnsw_from=0, judged=judged).has_graph

    assert serves("index.bin", None)
    assert serves("index.bin", True)
    assert not serves("index.bin", False)
    assert not serves("other.bin", True)


@pytest.mark.parametrize(("many", "lost", "serves"), [(3000, 2, True), (3000, 40, False), (3001, 1, False)])
def test_of_many_vectors_a_few_may_be_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, many: int, lost: int, *, serves: bool
) -> None:
    """Of fewer none: there exact search is quick. The graph is one of other vectors in a few places."""
    monkeypatch.setattr(index_module, "LARGE", many)
    vectors = unit(3000)
    others = vectors.copy()
    others[:lost] = unit(lost, seed=3)
    build_graph(others, tmp_path / "index.bin")

    assert open_index(vectors, tmp_path / "index.bin").has_graph == serves
    if serves:
        assert open_index(vectors, tmp_path / "index.bin", judged=True).has_graph


def test_small_indexes_are_searched_exactly(tmp_path: Path) -> None:
    """Below the measured size the matrix product serves; the graph is still built and opened."""
    vectors = unit(50)
    build_graph(vectors, tmp_path / "index.bin")

    assert open_index(vectors, tmp_path / "index.bin").has_graph is False


@pytest.mark.parametrize("hnsw_from", [0, 10_000])
def test_asking_for_more_than_there_is_gives_all(tmp_path: Path, hnsw_from: int) -> None:
    """k is clamped to the count."""
    vectors = unit(7)
    build_graph(vectors, tmp_path / "index.bin")

    found = open_index(vectors, tmp_path / "index.bin", hnsw_from=hnsw_from).search(vectors[3], 50)

    assert sorted(found.rows) == list(range(7))
    assert found.rows[0] == 3


@pytest.mark.parametrize("hnsw_from", [0, 10_000])
@pytest.mark.parametrize("bad", [unit(1, dim=8)[0], unit(1, dim=32)[0], np.full(16, np.nan, dtype=np.float32)])
def test_a_query_that_would_crash_is_refused(tmp_path: Path, hnsw_from: int, bad: NDArray[np.float32]) -> None:
    """Too narrow, too wide or not finite: a named error, before native code sees it."""
    vectors = unit(60)
    build_graph(vectors, tmp_path / "index.bin")
    index = open_index(vectors, tmp_path / "index.bin", hnsw_from=hnsw_from)

    with pytest.raises(BundleError):
        index.search(bad, 5)


def test_many_identical_vectors_fall_back_to_exact_search(tmp_path: Path) -> None:
    """hnswlib gives up among duplicates; the answer is still right."""
    vectors = np.repeat(unit(2), 300, axis=0)
    build_graph(vectors, tmp_path / "index.bin")
    index = open_index(vectors, tmp_path / "index.bin", hnsw_from=0)

    assert set(index.search(vectors[0], 300).rows) == set(range(300))


@pytest.mark.parametrize(
    "vectors",
    [np.zeros((3, 4), dtype=np.float32), np.empty((0, 4), dtype=np.float32), unit(3).astype(np.float64)],
)
def test_vectors_that_poison_an_index_are_refused(tmp_path: Path, vectors: NDArray[np.float32]) -> None:
    """Zero, missing or wrongly typed vectors never become an index."""
    with pytest.raises(BundleError):
        build_graph(vectors, tmp_path / "index.bin")


def test_a_graph_of_another_count_is_refused(tmp_path: Path) -> None:
    """A graph and its vectors belong together."""
    build_graph(unit(20), tmp_path / "index.bin")

    with pytest.raises(BundleError):
        open_index(unit(30), tmp_path / "index.bin")


def test_the_same_vectors_give_the_same_file(tmp_path: Path) -> None:
    """A bundle can be rebuilt bit by bit."""
    for name in ("a.bin", "b.bin"):
        build_graph(unit(500), tmp_path / name)

    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_a_graph_that_misses_neighbours_does_not_serve(tmp_path: Path) -> None:
    """A graph of other vectors, as many: exact search serves in its place."""
    vectors = unit(300)
    build_graph(unit(300, seed=7), tmp_path / "index.bin")
    index = open_index(vectors, tmp_path / "index.bin", hnsw_from=0)

    assert [index.search(vector, 1).rows[0] for vector in vectors] == list(range(300))
