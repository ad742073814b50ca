"""A server that stands still and goes on."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """Stop a process and all of its children, but for those that end just then, and let them go on afterwards."""
    first = psutil.Process(pid)
    first.suspend()  # before its children are counted, so that it starts no more
    processes = [first, *first.children(recursive=True)]
    try:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        yield
    finally:
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                process.resume()
