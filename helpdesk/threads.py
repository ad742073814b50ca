"""How many threads native libraries may start: they read it from the environment when they are loaded."""

import os

_NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def cap_native_threads(count: int) -> None:
    """Set the limit where the environment does not name one. Call before numpy, torch or tokenizers are imported."""
    for name in _NAMES:
        os.environ.setdefault(name, str(count))
