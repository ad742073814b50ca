"""This process tells the others what it serves, so that nobody removes a bundle in use and operators see it."""

import logging
import os
import socket
import time
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from helpdesk.errors import HelpdeskError
from helpdesk.records import heartbeats
from helpdesk.records.database import Database

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 10.0


class HeartbeatKeeper:
    """Writes one row of `heartbeats`: at once when something changed or failed before, else every ten seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._said: heartbeats.Heartbeat | None = None
        self._said_at = 0.0
        self._problem: str | None = None

    def say(
        self, *, version_id: int | None, refused_promotion_id: int | None, copies: Sequence[str] | None = None
    ) -> None:
        """Say what this process serves, and which bundles its host has copied. A database that cannot take it is
        logged, once: serving does not depend on it."""
        host, process = socket.gethostname()[:255], os.getpid()
        heartbeat = heartbeats.Heartbeat(host, process, version_id, refused_promotion_id, copies)
        if heartbeat == self._said and time.monotonic() - self._said_at < HEARTBEAT_SECONDS:
            return
        try:
            with self._database.write() as session:
                heartbeats.note(session, heartbeat)
            self._said, self._said_at, self._problem = heartbeat, time.monotonic(), None
        except (HelpdeskError, SQLAlchemyError) as error:
            if str(error) != self._problem:
                log.warning("what this process serves was not recorded: %s", error)
            self._said, self._problem = None, str(error)
