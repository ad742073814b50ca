"""Threads of our own, and those of native libraries, which read how many they may start from the environment when they
are loaded."""

import contextvars
import os
from collections.abc import Callable
from threading import Lock, Thread
from typing import Final

# CPython 3.11 counts how deep it is in a syntax tree for all threads together, and fails when two make one at once.
# werkzeug makes them of routes, numpy of the first lines of its files.
SYNTAX_TREES: Final = Lock()

_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")
_ASLEEP = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}


def start_thread(work: Callable[[], None], *, name: str) -> Thread:
    """Work beside the process until it ends; log lines name what those of the caller name, such as the tenant."""
    thread = Thread(target=contextvars.copy_context().run, args=(work,), name=name, daemon=True)
    thread.start()
    return thread


def cap_native_threads(count: int) -> None:
    """Set the limit where the environment does not name one. Call before numpy, torch or tokenizers are imported."""
    for name in _COUNTS:
        os.environ.setdefault(name, str(count))


def wait_asleep() -> None:
    """Let OpenMP's threads sleep while they wait for each other, where the environment does not name a policy.

    By default they spin, and beside other processes the spinning ones take the core that the awaited one needs. GNU's
    runtime, which torch brings on Linux, obeys the first name; LLVM's and Intel's want the second as well.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        for name, value in _ASLEEP.items():
            os.environ.setdefault(name, value)
