"""What the doctor says of one matter."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """error: something does not work, or will not; warning: it works, and somebody should look at it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One fault and what mends it."""

    level: Level
    problem: str
    remedy: str


def error(problem: str, *, remedy: str) -> Finding:
    """Something that does not work, or will not."""
    return Finding(Level.ERROR, problem, remedy)


def warning(problem: str, *, remedy: str) -> Finding:
    """Something that somebody should look at."""
    return Finding(Level.WARNING, problem, remedy)
