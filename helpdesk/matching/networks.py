"""Token ids -> vector: the two runtimes that an encoder's network is written for.

A graph (ONNX Runtime) holds any architecture, pooling and all. 8-bit weights by channels (CTranslate2) take 0.4 times
as long as a graph in 8-bit blocks, for the architectures that CTranslate2 knows; its network ends before the pooling.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Network = Callable[[list[int]], Vectors]  # token ids of one text -> vector [dim]
Pooling = Literal["mean", "cls"]

MODEL: Final = Path("onnx") / "model.onnx"
CHANNELS: Final = Path("ctranslate2")
CHANNEL_FILES: Final = (CHANNELS / "model.bin", CHANNELS / "config.json", CHANNELS / "vocabulary.json")
NETWORK_FILES: Final = (MODEL, *CHANNEL_FILES)


def network_files(is_there: Callable[[Path], bool]) -> tuple[Path, ...]:
    """The files that the network of an encoder folder is read from, of those that are there."""
    return CHANNEL_FILES if is_there(CHANNEL_FILES[0]) else (MODEL,)


def open_network(folder: Path, *, threads: int, pooling: Pooling | None, dim: int) -> Network:
    """The network of an encoder folder. pooling: of one by channels, whose vectors [dim] are pooled here."""
    if not (folder / CHANNEL_FILES[0]).is_file():
        return _open_graph(folder / MODEL, threads)
    if pooling not in ("mean", "cls"):
        raise ValueError(f"pooling is {pooling!r}; expected 'mean' or 'cls'")
    return _open_channels(folder / CHANNELS, threads, pooling, dim)


def _open_graph(path: Path, threads: int) -> Network:
    import onnxruntime  # begins a thread, and no process with threads may fork

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Without this, 8-bit products overflow on x86 processors that have AVX2 or AVX-512 but no VNNI.
    options.add_session_config_entry("session.x64quantprecision", "1")
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = [node.name for node in session.get_inputs()]

    def run(tokens: list[int]) -> Vectors:
        ids = np.array([tokens], dtype=np.int64)
        feeds = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        return np.asarray(session.run(None, {name: feeds[name] for name in inputs})[0][0], dtype=np.float32)

    return run


def _open_channels(folder: Path, threads: int, pooling: Pooling, dim: int) -> Network:
    import ctranslate2  # begins threads, too

    # Threads of one text would wait for each other by spinning; so many texts at once instead.
    encoder = ctranslate2.Encoder(str(folder), compute_type="int8", inter_threads=threads, intra_threads=1)

    def run(tokens: list[int]) -> Vectors:
        words = np.asarray(encoder.forward_batch([tokens]).last_hidden_state)[0]
        vector = (words.mean(axis=0) if pooling == "mean" else words[0])[:dim]
        return np.asarray(vector / max(float(np.linalg.norm(vector)), _LEAST_LENGTH), dtype=np.float32)

    return run


_LEAST_LENGTH = 1e-12
