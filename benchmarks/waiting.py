"""What a training chunk costs by how OpenMP's threads wait: milliseconds alone and beside two half-busy processes.

    python benchmarks/waiting.py --chunks 40

A chunk is sixteen texts of sixteen words through an encoder of the base model's shape, and back. Each policy has a
process of its own; the processes beside it compute for 50 ms and sleep for 50 ms, over and over.
"""

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

POLICIES: dict[str, tuple[int, dict[str, str]]] = {
    "two threads that spin (the default)": (2, {"OMP_WAIT_POLICY": "", "GOMP_SPINCOUNT": "300000"}),
    "two threads that sleep": (2, {"OMP_WAIT_POLICY": "PASSIVE"}),
    "one thread": (1, {"OMP_WAIT_POLICY": "PASSIVE"}),
}
PERIOD = 0.05
CHUNK = 16
LIMIT = 40.0  # seconds after which a measurement ends with the chunks it has


def main() -> None:
    """A line a policy: median and slowest, alone and in company."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chunks", type=int, default=40)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.threads:
        print(json.dumps(_times(arguments.threads, arguments.chunks)))
        return
    for name, (threads, environment) in POLICIES.items():
        alone = _measure(threads, environment, arguments.chunks)
        with _company():
            beside = _measure(threads, environment, arguments.chunks)
        print(f"{name:<36} alone {_text(alone)}, beside two half-busy processes {_text(beside)}", flush=True)


def _measure(threads: int, environment: dict[str, str], chunks: int) -> list[float]:
    command = [sys.executable, __file__, "--threads", str(threads), "--chunks", str(chunks)]
    counts = {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=os.environ | counts | environment, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


def _times(threads: int, chunks: int) -> list[float]:
    """Milliseconds of each chunk, the first two left out."""
    import torch

    torch.set_num_threads(threads)
    layer = torch.nn.TransformerEncoderLayer(384, 12, 1536, activation="gelu", batch_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 6, enable_nested_tensor=False)
    words = torch.randn(CHUNK, CHUNK, 384)
    times: list[float] = []
    begun = time.monotonic()
    while len(times) < chunks + 2 and (len(times) < 4 or time.monotonic() - begun < LIMIT):
        started = time.perf_counter()
        encoder(words).sum().backward()
        times.append(1000 * (time.perf_counter() - started))
    return times[2:]


@contextmanager
def _company() -> Iterator[None]:
    busy = [multiprocessing.Process(target=_half_busy, daemon=True) for _ in range(2)]
    for process in busy:
        process.start()
    yield
    for process in busy:
        process.kill()


def _half_busy() -> None:
    while True:
        until = time.perf_counter() + PERIOD
        while time.perf_counter() < until:
            pass
        time.sleep(PERIOD)


def _text(times: list[float]) -> str:
    return f"{np.median(times):.0f} ms (slowest {max(times):.0f}, {len(times)} chunks)"


if __name__ == "__main__":
    main()
