"""The embedding cache of a bundle: a candidate with the same encoder files reuses the vectors of the incumbent.

A refreshed candidate has a few new rows. Without the cache it would encode all rows again, under the encoder in service
and under every fold encoder.
"""

import filecmp
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from helpdesk.errors import BundleError
from helpdesk.matching.bundle import ENCODER
from helpdesk.matching.encoder import Encoder, encoder_files, open_encoder
from helpdesk.matching.index import Vectors
from helpdesk.text import text_key

CACHE_FOLDER = "embedding_cache"


class CachedEncoder:
    """An encoder that computes only the vectors that are not cached, and caches what it computes.

    `known` maps text keys to unit vectors [dim] of the same network.
    """

    def __init__(self, encoder: Encoder, known: Mapping[str, Vectors]) -> None:
        self.dim = encoder.dim
        self.spell = encoder.spell
        self.words = encoder.words
        self._encoder = encoder
        self._known = known
        self._asked: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Unit vectors [len(texts), dim] of normalised texts, input order kept."""
        keys = [text_key(text) for text in texts]
        self._asked.update((key, self._known[key]) for key in keys if key not in self._asked and key in self._known)
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._asked}
        if fresh:
            computed = self._encoder.encode(list(fresh.values()), progress=progress)
            self._asked.update(zip(fresh, computed, strict=True))
        return np.array([self._asked[key] for key in keys], dtype=np.float32).reshape(len(texts), self.dim)

    def save(self, path: Path) -> None:
        """Write the texts that were asked for, cached or computed: their keys in order, and their vectors."""
        keys = sorted(self._asked)
        vectors = np.array([self._asked[key] for key in keys], dtype=np.float32).reshape(len(keys), self.dim)
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, keys=np.array(keys, dtype="U32"), vectors=vectors)


def open_cached(encoder: Path, *, threads: int, incumbent: Path | None) -> CachedEncoder:
    """Open an encoder folder; `incumbent` is a sealed, verified bundle that may hold vectors of the same network."""
    opened = open_encoder(encoder, threads=threads)
    known = {} if incumbent is None else read_cache(encoder, incumbent)
    wrong = next((v.shape for v in known.values() if v.shape != (opened.dim,)), None)
    if wrong is not None:
        raise BundleError(f"{incumbent} has cached vectors of shape {wrong}; expected ({opened.dim},)")
    return CachedEncoder(opened, known)


def read_cache(encoder: Path, incumbent: Path) -> dict[str, Vectors]:
    """Text key -> unit vector, of every encoder in a bundle whose files are those of the folder; often none."""
    found: dict[str, Vectors] = {}
    for name, folder in _encoders(incumbent):
        path = incumbent / CACHE_FOLDER / f"{name}.npz"
        if path.is_file() and _same_network(encoder, folder):
            with np.load(path, allow_pickle=False) as stored:
                found |= zip(stored["keys"].tolist(), stored["vectors"], strict=True)
    return found


def write_cache(building: Path, encoders: Iterable[CachedEncoder]) -> None:
    """Write the caches of the live encoder (first) and of the fold encoders into a bundle that is being built."""
    (building / CACHE_FOLDER).mkdir()
    for name, encoder in zip(_names(), encoders, strict=False):
        encoder.save(building / CACHE_FOLDER / f"{name}.npz")


def _names() -> Iterator[str]:
    yield ENCODER
    part = 0
    while True:
        yield f"part-{part}"
        part += 1


def _encoders(bundle: Path) -> Iterator[tuple[str, Path]]:
    yield ENCODER, bundle / ENCODER
    for folder in sorted(path for path in bundle.glob("folds/*") if path.is_dir()):
        yield f"part-{folder.name}", folder


def _same_network(one: Path, other: Path) -> bool:
    """Whether two folders hold the same network, tokenizer and prompt, to the byte."""
    pairs = [(path, other / path.relative_to(one)) for path in encoder_files(one)]
    return all(there.is_file() and _same_file(path, there) for path, there in pairs)


def _same_file(one: Path, other: Path) -> bool:
    return one.samefile(other) or filecmp.cmp(one, other, shallow=False)
