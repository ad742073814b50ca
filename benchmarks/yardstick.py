"""The bare encoder that services are measured by: weights in 8 bits by blocks of 64, whatever the product ships today.

A fixed yardstick: when the product's encoder becomes faster, its ratio falls, and figures of different days compare.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_serving_files
from helpdesk.learning.training.rounding import Rounding
from helpdesk.matching.encoder import Encoder


@contextmanager
def bare_encoder(folder: Path) -> Iterator[Encoder]:
    """The model in an encoder's folder, exported anew and rounded in blocks, on one thread."""
    with tempfile.TemporaryDirectory(prefix="helpdesk-bare-") as made:
        save_serving_files(load_base(str(folder), threads=1), Path(made), rounding=Rounding.BLOCKS)
        yield Encoder(Path(made), threads=1)
