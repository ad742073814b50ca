"""Text -> unit vector, without torch."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from threading import Lock
from typing import Final
from weakref import WeakValueDictionary

import numpy as np
from tokenizers import Tokenizer

from helpdesk.errors import BundleError
from helpdesk.matching.networks import NETWORK_FILES, Vectors, network_files, open_network
from helpdesk.text import text_key

TOKENIZER = Path("tokenizer.json")
CONFIG = Path("helpdesk_encoder.json")
WARMING: Final = ("warm", "warm " * 600)  # texts at a small and at the largest shape
ENCODER_FILES = (*NETWORK_FILES, TOKENIZER, CONFIG)  # of an encoder of either kind
_CHUNK = 16 << 20  # beside busy threads each turn of Python costs more than the hashing
_open: "WeakValueDictionary[object, Encoder]" = WeakValueDictionary()
_opening = Lock()
_REMEMBERED = 32  # texts
_SPECIAL = 8  # more tokens than any tokenizer puts around a text
_WORD_MARKS = ("\u2581", "\u0120")  # where SentencePiece and byte-level BPE begin a word


class Encoder:
    """The encoder of one bundle: tokenizer and network. Safe to share between threads."""

    def __init__(self, directory: Path, *, threads: int = 1) -> None:
        config = json.loads((directory / CONFIG).read_text())
        self.dim: int = config["dim"]
        self._prompt: str = config["prompt"]
        self._tokenizer = _open_tokenizer(directory / TOKENIZER, config)
        self._limit = TokenLimit(self._tokenizer, config)
        self._run = open_network(directory, threads=threads, pooling=config.get("pooling"), dim=self.dim)
        self._is_warm = False
        self._tokens = lru_cache(maxsize=_REMEMBERED)(self._tokenizer.encode)  # of a message, for all who look at them

    def encode(self, texts: Sequence[str], *, progress: Callable[[int, int], None] | None = None) -> Vectors:
        """Unit vectors [len(texts), dim] of normalised texts, each encoded by itself: none depends on the others.

        Raises BundleError when the network gives numbers that are not finite or not of unit length.
        """
        vectors = np.empty((len(texts), self.dim), dtype=np.float32)
        for row, text in enumerate(texts):
            vectors[row] = self._run(self._tokens(self._prompt + text).ids)
            if progress:
                progress(row + 1, len(texts))
        lengths = np.linalg.norm(vectors, axis=1)
        if not np.all(np.abs(lengths - 1.0) < 1e-3):
            raise BundleError("the encoder gave vectors that are not of unit length; its weights are damaged")
        return vectors

    def warm(self) -> None:
        """Run the network once at a small and once at the largest shape, unless that was done."""
        if not self._is_warm:
            self.encode(WARMING)
            self._is_warm = True

    def is_cut(self, text: str) -> bool:
        """Whether a normalised text has more tokens than the network reads."""
        return self._limit.is_cut(text)

    def spell(self, text: str) -> list[tuple[str, int]]:
        """The words of a normalised text, each with the number of pieces the tokenizer needs for it."""
        encoding = self._tokens(text)
        if self._prompt or encoding.overflowing:
            encoding = self._tokenizer.encode(text, add_special_tokens=False)
        words: dict[int, tuple[int, int, int]] = {}
        for word, (start, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
            if word is not None:
                first, _, pieces = words.get(word, (start, end, 0))
                words[word] = (first, end, pieces + 1)
        return [(text[start:end], pieces) for start, end, pieces in words.values()]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The tokenizer's pieces that begin a word, in its order, which puts frequent ones first."""
        pieces = sorted(self._tokenizer.get_vocab().items(), key=lambda item: item[1])
        marked = [piece[1:] for piece, _ in pieces if piece[:1] in _WORD_MARKS]
        return tuple(marked or (piece for piece, _ in pieces if not piece.startswith("##")))


class TokenLimit:
    """How long a text an encoder reads; the rest of a longer one it does not see."""

    def __init__(self, tokenizer: Tokenizer, config: Mapping[str, int | str]) -> None:
        self._tokenizer = tokenizer
        self._most, self._prompt = int(config["max_tokens"]), str(config["prompt"])

    @classmethod
    def of(cls, directory: Path) -> "TokenLimit":
        """That of an encoder's folder, without opening its network."""
        config = json.loads((directory / CONFIG).read_text())
        return cls(_open_tokenizer(directory / TOKENIZER, config), config)

    def is_cut(self, text: str) -> bool:
        """Whether a normalised text has more tokens than the encoder reads."""
        asked = self._prompt + text
        if len(asked.encode()) <= self._most - _SPECIAL:  # a token has a byte at least
            return False
        return bool(self._tokenizer.encode(asked).overflowing)


def open_encoder(directory: Path, *, threads: int = 1, content: Sequence[str] | None = None) -> Encoder:
    """The encoder of a folder. Folders whose encoder files are equal share it, wherever they lie.

    content: the sha256 of its network, tokenizer and facts where they were checked just now; else they are computed.
    """
    key = (threads, *(content or [sha256(path) for path in encoder_files(directory)]))
    with _opening:
        encoder = _open.get(key)
        if encoder is None:
            encoder = _open[key] = Encoder(directory, threads=threads)
        return encoder


def encoder_names(is_there: Callable[[Path], bool]) -> tuple[Path, ...]:
    """What serving reads of an encoder folder, by what is there."""
    return (*network_files(is_there), TOKENIZER, CONFIG)


def encoder_files(directory: Path) -> list[Path]:
    """The files that serving reads of an encoder folder."""
    return [directory / name for name in encoder_names(lambda name: (directory / name).is_file())]


def sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


class VectorCache:
    """The vectors of recent distinct texts, least recently used ones dropped.

    stored: vectors [dim] by text key that the same encoder gave before.
    """

    def __init__(self, encoder: Encoder, *, size: int, stored: Mapping[str, Vectors] | None = None) -> None:
        self._encoder = encoder
        self._size = size
        self._stored = stored or {}
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = Lock()

    def encode_one(self, text: str) -> Vectors:
        """Unit vector [dim] of one normalised text."""
        with self._lock:
            if text in self._vectors:
                self._vectors.move_to_end(text)
                return self._vectors[text]
        vector = self._stored.get(text_key(text)) if self._stored else None
        if vector is None:
            vector = self._encoder.encode([text])[0]
        self.put({text: vector})
        return vector

    def encode_all(self, texts: Sequence[str]) -> None:
        """Put the vectors of normalised texts into the cache; those not in it yet are encoded."""
        with self._lock:
            fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        known = {t: self._stored[key] for t in fresh if (key := text_key(t)) in self._stored} if self._stored else {}
        unknown = [text for text in fresh if text not in known]
        if unknown:
            known |= zip(unknown, self._encoder.encode(unknown), strict=True)
        self.put(known)

    def put(self, vectors: Mapping[str, Vectors]) -> None:
        """Put vectors [dim] of normalised texts into the cache that the same encoder gave before."""
        with self._lock:
            self._vectors.update(vectors)
            while len(self._vectors) > self._size:
                self._vectors.popitem(last=False)

    def known(self) -> dict[str, Vectors]:
        """The cached vectors, by text."""
        with self._lock:
            return dict(self._vectors)


def _open_tokenizer(path: Path, config: Mapping[str, int | str]) -> Tokenizer:
    # Truncation is set once: setting it per call is not thread-safe.
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=int(config["max_tokens"]))
    return tokenizer
