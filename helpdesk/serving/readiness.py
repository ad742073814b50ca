"""Whether messages can be answered and stored here, tried at most once a second."""

import logging
import threading
import time
from dataclasses import dataclass

from helpdesk.errors import ConflictError, UnavailableError
from helpdesk.records.database import Database, open_database, require_revision
from helpdesk.records.write_probe import probe
from helpdesk.settings import Settings

log = logging.getLogger(__name__)
_AGAIN_SECONDS = 1.0
_LONGEST_WAIT = 2.0  # seconds for a lock


@dataclass(frozen=True)
class Written:
    """What came of the last try. problem: why nothing can be stored, in words for everybody; promoted: the version;
    other_schema: whether the database is that of another version of this code."""

    problem: str | None
    promoted: int | None
    other_schema: bool = False


class Readiness:
    """Tries to write, by a connection of its own that waits for nobody long."""

    def __init__(self, settings: Settings) -> None:
        brief = settings.model_copy(update={"database_timeout": min(_LONGEST_WAIT, settings.database_timeout)})
        self.database: Database = open_database(brief, hurried=True)
        self._lock = threading.Lock()
        self._last = Written("not tried yet", None)
        self._tried_at: float | None = None

    def check(self) -> Written:
        """What came of a try not older than a second."""
        with self._lock:
            if self._tried_at is None or time.monotonic() - self._tried_at >= _AGAIN_SECONDS:
                self._last = self._try()
                self._tried_at = time.monotonic()
            return self._last

    def _try(self) -> Written:
        try:
            require_revision(self.database.ping()["revision"])
            return Written(None, probe(self.database))
        except ConflictError as error:
            if str(error) != self._last.problem:
                log.error("not ready: %s", error)
            return Written(str(error), None, other_schema=True)
        except UnavailableError as error:
            problem = f"the database {error.fault}"
            if problem != self._last.problem:
                log.error("not ready: %s", error)
            return Written(problem, None)
