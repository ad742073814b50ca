"""The vectors of replayed messages: one file an encoder, so that a night encodes new messages only.

A vector of a message is personal data: what is not among tonight's messages is not written again, and the files of
encoders that no longer serve are removed. Texts are not in the files, only their keys.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from helpdesk.matching.bundle import Bundle, encoder_hash
from helpdesk.matching.encoder import VectorCache
from helpdesk.matching.reading import matter, sentences
from helpdesk.matching.several import splits
from helpdesk.matching.small_talk import small_talk
from helpdesk.text import normalise, text_key

log = logging.getLogger(__name__)
ROOM = 200_000  # more than the texts of one replay and their parts


@dataclass
class ReplayVectors:
    """The vectors of these messages and their parts, by encoder; bundles with the same encoder share them."""

    folder: Path
    texts: Sequence[str]
    _caches: dict[str, VectorCache] = field(default_factory=dict)

    def of(self, bundle: Bundle) -> VectorCache:
        """The cache for a bundle's encoder, with what a night before left behind."""
        name = encoder_hash(bundle.manifest)
        if name not in self._caches:
            stored = _read(self.folder / f"{name}.npz", bundle.encoder.dim)
            self._caches[name] = VectorCache(bundle.encoder, size=ROOM, stored=stored)
            wanted = ((part, text_key(part)) for text in self.texts for part in _with_parts(text))
            self._caches[name].put({part: stored[key] for part, key in wanted if key in stored})
        return self._caches[name]

    def keep(self, serving: Bundle) -> None:
        """Write what is known, and remove the files of encoders that were not asked for; what serves stays known."""
        self.of(serving)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for path in self.folder.iterdir():
                if path.stem not in self._caches:
                    path.unlink(missing_ok=True)
            for name, cache in self._caches.items():
                _write(self.folder / f"{name}.npz", cache)
        except OSError as error:
            log.warning("vectors of replayed messages were not kept: %s", error)


def _with_parts(text: str) -> list[str]:
    """A text and what of it is encoded whatever the bundle, so that it stays known while nothing is decided."""
    read = normalise(matter(text))
    question = small_talk().hear(read).question
    parts = [normalise(part) for part in sentences(matter(text))]
    return [normalise(text), read, question, *parts, *(part for split in splits(question) for part in split)]


def _read(path: Path, dim: int) -> "dict[str, np.ndarray[tuple[int], np.dtype[np.float32]]]":
    """Key -> vector; what cannot be read is encoded again."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            keys, vectors = stored["keys"], stored["vectors"]
    except (OSError, ValueError, KeyError, BadZipFile):
        return {}
    if vectors.shape != (len(keys), dim) or not np.all(np.abs(np.linalg.norm(vectors, axis=1) - 1.0) < 1e-3):
        return {}
    return dict(zip(keys.tolist(), vectors.astype(np.float32), strict=True))


def _write(path: Path, cache: VectorCache) -> None:
    known = cache.known()
    if not known:
        path.unlink(missing_ok=True)
        return
    half = path.with_suffix(".half")
    with half.open("wb") as file:
        np.savez(file, keys=np.array([text_key(text) for text in known]), vectors=np.array(list(known.values())))
    half.rename(path)
