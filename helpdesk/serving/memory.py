"""What a process that serves for weeks does about its memory."""

import ctypes
import gc


def give_back_memory() -> None:
    """Return what a swapped-out bundle held to the system: glibc keeps it, and a process would grow to two bundles."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
