"""Tonight's fine-tuned encoder, and the sister encoders that measure it out of fold."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.learning.candidates import Measurement


@dataclass(frozen=True)
class Tuned:
    """A folder with the encoder, how to measure it, and what goes into the manifest."""

    encoder: Path
    measurement: Measurement
    facts: dict[str, Any]
