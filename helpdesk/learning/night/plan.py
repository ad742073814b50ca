"""What a night is asked to do."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpdesk.records.exclusions import Exclusion


@dataclass(frozen=True)
class Plan:
    """What tonight may do: `minutes` of fine-tuning, whether to fine-tune at all, whether to promote.

    max_steps bounds each training whatever the machine's speed; `without` leaves a source's rows out. For simulations:
    without the gate whatever was built is promoted, and `spoil` is let loose on every candidate's folder.
    """

    minutes: float
    finetune: bool = True
    dry_run: bool = False
    max_steps: int | None = None
    without: Exclusion | None = None
    gated: bool = True
    spoil: Callable[[Path], None] | None = None
