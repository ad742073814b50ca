"""Looks an installation over: each check by itself, so that one that cannot be made hides no other."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from helpdesk.errors import HelpdeskError
from helpdesk.records.database import Database, open_database
from helpdesk.settings import Settings
from helpdesk.upkeep.faults import Fault, error
from helpdesk.upkeep.home_checks import (
    check_bundles,
    check_erasures,
    check_nights,
    check_people,
    check_permissions,
    check_schema,
)
from helpdesk.upkeep.machine_checks import check_clock, check_disk, check_processor, check_threads
from helpdesk.upkeep.settings_checks import check_model, check_settings

Checks = Mapping[str, Callable[[], Iterable[Fault]]]


def examine(settings: Settings) -> Iterator[tuple[str, list[Fault]]]:
    """Each check by name, with what it found. What needs the database is left out when that cannot be used."""
    yield from _made(
        {
            "settings": lambda: check_settings(settings),
            "processor": check_processor,
            "threads": lambda: check_threads(settings),
            "model": lambda: check_model(settings),
            "permissions": lambda: check_permissions(settings),
            "disk": lambda: check_disk(settings),
        }
    )
    try:
        database = open_database(settings)
    except HelpdeskError as problem:
        yield "schema", [error(str(problem), remedy="set HELPDESK_DATABASE_URL right")]
        return
    try:
        schema = list(_made({"schema": lambda: check_schema(database)}))
        yield from schema
        if not schema[0][1]:
            yield from _made(_of_records(settings, database))
    finally:
        database.close()


def _of_records(settings: Settings, database: Database) -> Checks:
    return {
        "bundles": lambda: check_bundles(settings, database),
        "clock": lambda: check_clock(database),
        "nights": lambda: check_nights(settings, database),
        "erasures": lambda: check_erasures(settings, database),
        "people": lambda: check_people(database),
    }


def _made(checks: Checks) -> Iterator[tuple[str, list[Fault]]]:
    for name, check in checks.items():
        try:
            found = list(check())
        except (HelpdeskError, OSError) as problem:
            found = [error(str(problem), remedy="mend that, then look again")]
        yield name, found
