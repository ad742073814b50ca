"""What this process counts in memory and tells the others now and then: uses of limits, and how long stages take.

No message waits for it. A process tells of every fifth use of a key at once, and of fewer never. So all processes
together let through at most four more each than a limit says, and what is under way meanwhile.
"""

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from helpdesk.errors import HelpdeskError
from helpdesk.records import shared_counts
from helpdesk.records.database import Database
from helpdesk.records.shared_counts import BOUNDS, Use
from helpdesk.threads import start_thread

log = logging.getLogger(__name__)
AT_ONCE = 5  # uses of one key that the others are told of at once
MAX_KEYS = 100_000
TELL_SECONDS = 5.0  # between tellings of latencies
_RETRY_SECONDS = 2.0  # after the database did not take them


@dataclass
class _Window:
    """Uses of a key: that all processes told of, and of this one that it did not tell of yet."""

    expires: int
    shared: int = 0
    own: int = 0


class Tallies:
    """The counts of one process. Each window of time begins for every process at the same moment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._windows: dict[str, _Window] = {}
        self._stages: dict[tuple[str, int], tuple[int, float]] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stop = False
        self.span: Callable[[str], AbstractContextManager[Any]] = nullcontext  # what traces a stage

    def start(self) -> None:
        """Tell the others from now on. Call after the fork."""
        start_thread(self._tell, name="tell-counts")

    def stop(self) -> None:
        """Stop telling them."""
        self._stop = True
        self._wake.set()

    def use(self, key: str, seconds: int, *, amount: int = 1) -> int:
        """Count a use of a key; how many there were in this window of so many seconds, as far as is known here."""
        with self._lock:
            window = self._window(key, seconds)
            window.own += amount
            if window.own >= AT_ONCE:
                self._wake.set()
            return window.shared + window.own

    def uses(self, key: str, seconds: int) -> int:
        """How many uses there were in this window."""
        with self._lock:
            found = self._windows.get(_name(key, seconds))
            return 0 if found is None else found.shared + found.own

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note how long a stage takes."""
        began = time.perf_counter()
        try:
            with self.span(name):
                yield
        finally:
            self.took(name, time.perf_counter() - began)

    def took(self, stage: str, seconds: float) -> None:
        """A stage of one message took so long."""
        key = stage, bisect_left(BOUNDS, seconds)
        with self._lock:
            count, total = self._stages.get(key, (0, 0.0))
            self._stages[key] = count + 1, total + seconds

    def tell(self) -> None:
        """Add to the database what was counted here. Raises what the database raises; nothing is lost by that."""
        with self._lock:
            told = {name: window.own for name, window in self._windows.items() if window.own >= AT_ONCE}
            uses = [Use(name, count, _moment(self._windows[name].expires)) for name, count in told.items()]
            stages, self._stages = self._stages, {}
        try:
            with self._database.write() as session:
                totals = shared_counts.add_uses(session, uses)
                shared_counts.add_latencies(session, stages)
        except BaseException:
            for (stage, bucket), (count, seconds) in stages.items():
                with self._lock:
                    now_count, now_seconds = self._stages.get((stage, bucket), (0, 0.0))
                    self._stages[stage, bucket] = now_count + count, now_seconds + seconds
            raise
        with self._lock:
            for name, total in totals.items():
                if name in self._windows:
                    self._windows[name].shared = total
                    self._windows[name].own -= told[name]

    def _window(self, key: str, seconds: int) -> _Window:
        name = _name(key, seconds)
        found = self._windows.get(name)
        if found is None:
            if len(self._windows) >= MAX_KEYS:
                self._windows.clear()
            found = self._windows[name] = _Window(expires=(int(time.time()) // seconds + 1) * seconds)
        return found

    def _tell(self) -> None:
        told_at = time.monotonic()
        while not self._stop:
            woken = self._wake.wait(TELL_SECONDS)
            self._wake.clear()
            if not woken or time.monotonic() - told_at > TELL_SECONDS:
                self._forget()
            if not (woken or self._stages):
                continue
            try:
                self.tell()
                told_at = time.monotonic()
            except (HelpdeskError, SQLAlchemyError) as error:
                log.warning("limits are counted by each process for itself: %s", error)
                time.sleep(_RETRY_SECONDS)

    def _forget(self) -> None:
        with self._lock:
            for name in [name for name, window in self._windows.items() if window.expires <= time.time()]:
                del self._windows[name]


def _name(key: str, seconds: int) -> str:
    """One window of a key, as it is stored: a hash, since keys hold addresses and senders."""
    return sha256(f"{key}/{seconds}/{int(time.time()) // seconds}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
