"""What the doctor looks at in a home: the database, the bundles, who may read what, nights."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

from sqlalchemy import select

from helpdesk.errors import HelpdeskError
from helpdesk.learning.night.unfinished import unfinished
from helpdesk.records import nights
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, require_schema, sqlite_file
from helpdesk.records.tables import Staff
from helpdesk.records.undone_erasures import undone_erasures
from helpdesk.settings import Settings
from helpdesk.upkeep.faults import Fault, error, warning
from helpdesk.upkeep.verify import kept_versions

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LATE = timedelta(hours=36)
_LONGEST = timedelta(hours=12)  # of a night that still runs


def check_permissions(settings: Settings) -> Iterator[Fault]:
    """What people wrote is for the service user alone, who must be able to write it."""
    home = settings.home
    if not home.is_dir():
        yield error(f"there is no home {home}", remedy="run `helpdesk init`, or name one in HELPDESK_HOME")
        return
    for path in (home, *(home / name for name in ("helpdesk.db", "secret_key", "bundles", "reports"))):
        if not path.exists():
            continue
        found = path.stat()
        if path == home and found.st_mode & _OTHERS:
            yield warning(f"others may look into {home}", remedy=f"chmod 700 {home}")
        if path.name == "secret_key" and found.st_mode & _OTHERS:
            yield error(f"others may read {path}", remedy=f"chmod 600 {path}; who has read it can sign logins")
        if not os.access(path, os.W_OK):
            yield error(f"this user may not write {path}", remedy=f"run as the user who owns it (id {found.st_uid})")


def check_schema(database: Database) -> Iterator[Fault]:
    """The database answers, is whole, and is the one that this code needs."""
    file = sqlite_file(database)
    if file is not None and file.exists():
        try:
            with closing(sqlite3.connect(file)) as opened:
                said = opened.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as problem:
            said = str(problem)
        if said != "ok":
            yield error(f"the database {file} is damaged: {said}", remedy="`helpdesk restore FILE --force`")
            return
    try:
        require_schema(database)
        with database.write():
            pass
    except HelpdeskError as problem:
        said, _, remedy = str(problem).partition("; ")
        yield error(said, remedy=remedy or "see that it runs and can be reached")


def check_bundles(settings: Settings, database: Database) -> Iterator[Fault]:
    """Every kept version could serve."""
    found = list(kept_versions(settings, database, repair=False))
    if not any(version.serving for version in found):
        yield error("no version serves, so nothing is answered", remedy="`helpdesk retrain` builds one from the FAQ")
    for version in found:
        for problem in version.problems:
            level = error if version.serving else warning
            yield level(f"{version.title}: {problem}", remedy="`helpdesk versions verify --repair`")


def check_nights(settings: Settings, database: Database) -> Iterator[Fault]:
    """A night has run lately, and came to its end."""
    for started, reason in unfinished(settings.home):
        if now() - started > _LONGEST:
            yield warning(
                f"the night of {started:%Y-%m-%d %H:%M} UTC left no row: {reason}", remedy="run `helpdesk retrain`"
            )
    with database.read() as session:
        last = nights.last_night(session)
    if last is None:
        return
    if last.verdict == "failed":
        yield warning(f"the last night failed: {last.reason}", remedy="mend that and run `helpdesk retrain`")
    if now() - last.finished_at > _LATE:
        yield warning(
            f"the last night was on {last.finished_at:%Y-%m-%d %H:%M} UTC", remedy="put `helpdesk retrain` into cron"
        )


def check_people(database: Database) -> Iterator[Fault]:
    """Somebody can log in."""
    with database.read() as session:
        anybody = session.scalar(select(Staff.id).limit(1))
    if anybody is None:
        yield warning("nobody can log in", remedy="`helpdesk staff add NAME --role admin`")


def check_erasures(settings: Settings, database: Database) -> Iterator[Fault]:
    """What was erased is not there again, as it is after a backup of before was restored."""
    with database.read() as session:
        found = undone_erasures(session, settings.home)
    for undone in found:
        yield error(
            f"what was erased on {undone.erased_at:%Y-%m-%d %H:%M} UTC ({undone.certificate}) is there again",
            remedy=f"`{undone.command}`",
        )


def erasures_to_repeat(settings: Settings) -> list[Fault]:
    """The same for a database that nobody has opened yet."""
    database = open_database(settings)
    try:
        return list(check_erasures(settings, database))
    finally:
        database.close()
