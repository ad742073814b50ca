"""What a night does besides learning: each step for itself, so that one that fails costs the others nothing."""

from collections.abc import Callable, Mapping

from helpdesk.errors import HelpdeskError
from helpdesk.records.database import Database
from helpdesk.settings import Settings

Step = Callable[[Settings, Database], object]


def try_each(steps: Mapping[str, Step], settings: Settings, database: Database) -> list[str]:
    """Do every step; what could not be done, in words. steps: by what to say of one that fails."""
    problems = []
    for problem, step in steps.items():
        try:
            step(settings, database)
        except (HelpdeskError, OSError) as error:
            problems.append(f"{problem}: {error}")
    return problems
