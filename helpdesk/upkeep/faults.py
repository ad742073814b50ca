"""What the doctor says of one matter."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """error: something does not work, or will not; warning: it works, and somebody should look at it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Fault:
    """One fault and what mends it."""

    level: Level
    problem: str
    remedy: str


def error(problem: str, *, remedy: str) -> Fault:
    """Something that does not work, or will not."""
    return Fault(Level.ERROR, problem, remedy)


def warning(problem: str, *, remedy: str) -> Fault:
    """Something that somebody should look at."""
    return Fault(Level.WARNING, problem, remedy)
