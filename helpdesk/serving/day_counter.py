"""Days are counted soon after they ended, also where no night runs: reports and metrics rest on that."""

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from helpdesk.errors import HelpdeskError
from helpdesk.records.database import Database
from helpdesk.records.day_totals import count_days
from helpdesk.threads import start_thread

log = logging.getLogger(__name__)
_SECONDS = 600.0


def start_counting_days(database: Database) -> threading.Event:
    """Count days from now on, in a thread, until the event is set. Call after the fork. Of several processes one counts
    each day."""
    stopped = threading.Event()

    def count() -> None:
        while not stopped.wait(_SECONDS):
            try:
                count_days(database)
            except (HelpdeskError, SQLAlchemyError) as error:
                log.warning("days were not counted: %s", error)

    start_thread(count, name="count-days")
    return stopped
