"""What a night is asked to do."""

from dataclasses import dataclass

from helpdesk.records.exclusions import Exclusion


@dataclass(frozen=True)
class Plan:
    """What tonight may do: `minutes` of fine-tuning, whether to fine-tune at all, whether to promote.

    max_steps bounds each training whatever the machine's speed; `without` leaves a source's rows out; check_data:
    whether the FAQ is checked for faults afterwards.
    """

    minutes: float
    finetune: bool = True
    dry_run: bool = False
    max_steps: int | None = None
    without: Exclusion | None = None
    check_data: bool = True
