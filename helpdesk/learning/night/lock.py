"""One nightly job at a time: a file lock on this host, a database lease among hosts.

`lockf`, because it is let go when its holder dies, however it dies. The lease has an expiry and is renewed by a
heartbeat; a run that stood still for so long that another one took over may promote nothing.
"""

import fcntl
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from sqlalchemy.orm import Session

from helpdesk.errors import BusyError, UnavailableError
from helpdesk.records import leases
from helpdesk.records.database import Database

log = logging.getLogger(__name__)
LOCK = "retrain.lock"
LEASE_NAME = "night"
LEASE_SECONDS = 180.0
BEAT_SECONDS = 20.0
_here = threading.Lock()  # a file lock does not keep threads of one process apart; closing the file would even free it


@dataclass(frozen=True)
class NightLease:
    """The right to run tonight."""

    database: Database
    owner: str

    def confirm(self, session: Session) -> None:
        """Renew within a transaction of the caller's. Raises BusyError when another run has taken over."""
        leases.renew(session, LEASE_NAME, owner=self.owner, seconds=LEASE_SECONDS)

    def is_lost(self) -> bool:
        """Renew it; whether another run has taken over. A database that does not answer decides nothing."""
        try:
            with self.database.write() as session:
                self.confirm(session)
        except BusyError as error:
            log.error("%s", error)
            return True
        except UnavailableError as error:
            log.warning("the lease was not renewed: %s", error)
        return False


@contextmanager
def one_night(path: Path, database: Database) -> Iterator[NightLease]:
    """Hold the lock file and the lease for the block. Raises BusyError at once when another run holds either."""
    with single_flight(path) as place:
        holder = leases.Holder(secrets.token_hex(16), socket.gethostname()[:255], os.getpid(), place)
        with database.write() as session:
            leases.take(session, LEASE_NAME, holder=holder, seconds=LEASE_SECONDS)
        lease = NightLease(database, holder.owner)
        stop = threading.Event()
        heart = threading.Thread(target=_beat, args=(lease, stop), name="heartbeat", daemon=True)
        heart.start()
        try:
            yield lease
        finally:
            stop.set()
            heart.join()
            _release(lease)


@contextmanager
def single_flight(path: Path) -> Iterator[str]:
    """Hold the lock file for the block, which gets a name of the file that no other host's file has.

    Raises BusyError at once when another process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not _here.acquire(blocking=False):
        raise BusyError(f"a retraining is running already (another thread of process {os.getpid()})")
    try:
        with path.open("a+") as file:
            yield _lock(file)
    finally:
        _here.release()


def _lock(file: IO[str]) -> str:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        file.seek(0)
        raise BusyError(f"a retraining is running already (process {file.read().strip() or '?'})") from None
    host = socket.gethostname()
    file.truncate(0)
    file.write(f"{os.getpid()} on {host}")
    file.flush()
    status = os.fstat(file.fileno())
    return f"{host[:200]}:{status.st_dev}:{status.st_ino}"


def _beat(lease: NightLease, stop: threading.Event) -> None:
    while not stop.wait(BEAT_SECONDS):
        if lease.is_lost():
            return


def _release(lease: NightLease) -> None:
    try:
        with lease.database.write() as session:
            leases.release(session, LEASE_NAME, owner=lease.owner)
    except UnavailableError as error:
        log.warning("the lease was not given back and runs out by itself: %s", error)
