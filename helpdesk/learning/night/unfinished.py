"""A mark of each night that has begun and left no row in `nights` yet: it was killed, or the database was full.

The file has one size from the first night on and is written over in place, so that a full disk does not matter to it.
"""

import json
import logging
import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from helpdesk.records import labels, nights, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database

log = logging.getLogger(__name__)
MARKS = "unfinished-nights"
_SIZE = 4096  # bytes
_MOST = 8  # nights
_REASON = 200
_KILLED = "it was killed, or its machine went down"


class NightMark:
    """The mark of one night."""

    def __init__(self, home: Path, started: datetime) -> None:
        self._home = home
        self._started = started
        self._begun = False

    def begin(self, database: Database) -> list[str]:
        """Set the mark; add the rows of former nights that left one. Returns what they are told by, in words."""
        former = unfinished(self._home)
        self._begun = True
        _write(self._home, [*former, (self._started, _KILLED)])
        told = [words for started, reason in former if (words := _add_row(database, started, reason))]
        _write(self._home, [(self._started, _KILLED)])
        return told

    def end(self, problem: str | None = None) -> None:
        """Take the mark away; or, when the night could not leave its row, say why in it."""
        if self._begun or problem is not None:
            others = [mark for mark in unfinished(self._home) if mark[0] != self._started]
            _write(self._home, [*others, *([] if problem is None else [(self._started, problem)])])


def unfinished(home: Path) -> list[tuple[datetime, str]]:
    """When nights that left no row began, and why, oldest first; one that runs now is among them."""
    with suppress(OSError, ValueError, TypeError):
        marks = json.loads((home / MARKS).read_text())
        return [(datetime.fromisoformat(started), str(reason)) for started, reason in marks]
    return []


def _write(home: Path, marks: list[tuple[datetime, str]]) -> None:
    short = [(started.isoformat(), reason[:_REASON]) for started, reason in marks[-_MOST:]]
    try:
        descriptor = os.open(home / MARKS, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, json.dumps(short).encode().ljust(_SIZE), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("the mark of this night was not written: %s", error)


def _add_row(database: Database, started: datetime, reason: str) -> str | None:
    """None when there is a row by now."""
    with database.write() as session:
        if nights.has_night(session, started):
            return None
        serving = versions.current(session)
        nights.add_night(
            session,
            started_at=started,
            finished_at=now(),
            verdict="failed",
            reason=f"left no row when it ended: {reason}",
            version_id=serving.version_id if serving else None,
            labels=labels.labels_since(session, None),
            refusals={},
            figures={},
        )
    return f"the night of {started:%Y-%m-%d %H:%M} UTC left no row and is noted as failed now: {reason}"
