"""What a night may use of the machine, so that serving keeps what it needs."""

import os
import shutil
from pathlib import Path

from helpdesk.errors import BudgetError
from helpdesk.progress import Report

NICENESS = 10
DISK_FACTOR = 3  # two candidates and the encoders that measure them lie beside the incumbent for a while
_PAGE = os.sysconf("SC_PAGE_SIZE")


def step_back() -> None:
    """Let everything else run first: raise this process's niceness to 10, unless it is nicer already."""
    os.nice(max(0, NICENESS - os.nice(0)))


def within_memory(report: Report, *, megabytes: int | None) -> Report:
    """The same progress report, which also raises BudgetError once this process holds more than the budget.

    Resident memory is watched rather than limited by the system: torch maps far more address space than it uses, and
    an allocation that fails inside native code ends the process without a word.
    """
    if megabytes is None:
        return report

    def watched(stage: str, done: int, total: int) -> None:
        held = resident_bytes() / 1e6
        if held > megabytes:
            raise BudgetError(f"{stage}: {held:,.0f} MB of memory held; HELPDESK_TRAIN_MEMORY_MB allows {megabytes:,}")
        report(stage, done, total)

    return watched


def resident_bytes() -> int:
    """The memory this process holds now (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def require_disk(folder: Path, *, like: Path) -> None:
    """Raise BudgetError unless three bundles the size of `like` fit where the folder is."""
    needed = DISK_FACTOR * sum(path.stat().st_size for path in like.rglob("*") if path.is_file())
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise BudgetError(f"{free:,} bytes are free in {folder}; {needed:,} are needed to build the next version")
