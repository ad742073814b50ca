"""The bundles of this host: copied from the store while it serves, removed when the store has them no more."""

import logging
import math
import time
from collections.abc import Collection
from concurrent.futures import Future
from pathlib import Path

from helpdesk.errors import UnavailableError
from helpdesk.matching.bundle_store import open_store
from helpdesk.records import heartbeats, versions
from helpdesk.records.database import Database
from helpdesk.settings import Settings
from helpdesk.threads import start_thread

log = logging.getLogger(__name__)
TIDY_SECONDS = 600.0
PATIENCE = 1.0  # seconds that edits of the FAQ may wait for a copy
STARTING_PATIENCE = 30.0  # the same while there is nothing to answer with; gunicorn gives a process 60


class NodeBundles:
    """What a process has to answer with, and what it may remove."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._store = open_store(settings)
        self._copying: tuple[str, Future[Path]] | None = None
        self._tidied_at = -math.inf

    def folder(self, name: str, *, patience: float) -> Path:
        """The folder of a bundle, sound as far as files go. Raises BundleError, and UnavailableError while it is still
        copied; that goes on meanwhile."""
        if self._store.url is None:
            return self._store.fetch(name)
        if self._copying is None or self._copying[0] != name:
            self._copying = (name, self._begin(name))
        try:
            found = self._copying[1].result(timeout=patience)
        except TimeoutError:
            raise UnavailableError(f"{name} is still copied from the store") from None
        except BaseException:
            self._copying = None
            raise
        self._copying = None
        return found

    def within_reach(self, *, store: bool) -> set[str]:
        """The bundles that are here, and those in the store."""
        return self._store.here() | (self._store.names() if store else set())

    def copies(self) -> list[str] | None:
        """The bundles here, where they come from a store."""
        return None if self._store.url is None else sorted(self._store.here())

    def tidy(self, *, at_once: bool) -> None:
        """Remove copies that the store has no more and no process serves: at once, or when the last time is ten minutes
        ago. A store without the version in service is another one, or not filled yet."""
        if self._store.url is None or not (at_once or time.monotonic() - self._tidied_at > TIDY_SECONDS):
            return
        self._tidied_at = time.monotonic()
        try:
            kept = self._store.names()
            with self._database.read() as session:
                current = versions.current(session)
                served = heartbeats.in_use(session)
                known = {version.directory: version.id for version in versions.list_versions(session)}
        except UnavailableError as error:
            log.warning("copies of old versions stay for now: %s", error)
            return
        if current is not None and current.directory in kept:
            for name in _needless(self._store.here(), kept, known, served):
                self._store.forget(name)

    def _begin(self, name: str) -> "Future[Path]":
        future: Future[Path] = Future()

        def copy() -> None:
            try:
                future.set_result(self._store.fetch(name))
            except BaseException as error:
                future.set_exception(error)

        start_thread(copy, name="copy-bundle")
        return future


def _needless(
    here: Collection[str], kept: Collection[str], known: dict[str, int], served: Collection[int]
) -> list[str]:
    return [name for name in here if name in known and name not in kept and known[name] not in served]
