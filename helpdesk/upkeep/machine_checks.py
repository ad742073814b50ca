"""What the doctor looks at in the machine: processor, threads, disk, clock."""

import os
import platform
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import Message, Promotion
from helpdesk.settings import Settings
from helpdesk.upkeep.faults import Fault, error, warning

CPU_INFO = Path("/proc/cpuinfo")
LEAST_FREE = 200 * 2**20  # bytes
ROOM_FOR_A_NIGHT = 3  # bundles of the size of the largest, as the night wants them
_BUILT = datetime(2025, 1, 1, tzinfo=UTC)
_SLACK = timedelta(minutes=2)
_VECTOR_UNITS = {"x86_64": "avx2", "AMD64": "avx2", "aarch64": "asimd", "arm64": "asimd"}
_NATIVE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS")


def check_processor() -> Iterator[Fault]:
    """Encoding wants wide vector instructions."""
    wanted = _VECTOR_UNITS.get(platform.machine())
    if wanted is not None and CPU_INFO.exists() and wanted not in _features():
        yield warning(
            f"the processor has no {wanted}: encoding takes several times as long",
            remedy="use another type of machine, or let the virtual one pass the host's processor on",
        )


def check_threads(settings: Settings) -> Iterator[Fault]:
    """More busy threads than cores only wait for each other."""
    cores = len(os.sched_getaffinity(0))
    busy = settings.workers * settings.encoder_threads
    if busy > 2 * cores:
        yield warning(
            f"{settings.workers} processes with {settings.encoder_threads} encoder threads share {cores} core(s)",
            remedy=f"set HELPDESK_WORKERS and HELPDESK_ENCODER_THREADS so that their product is about {cores}",
        )
    if settings.train_threads > cores:
        yield warning(
            f"HELPDESK_TRAIN_THREADS is {settings.train_threads}, and there are {cores} core(s)",
            remedy=f"set HELPDESK_TRAIN_THREADS to {cores} or less",
        )
    for name in _NATIVE:
        value = os.environ.get(name, "1")
        if not value.isdecimal() or not 1 <= int(value) <= cores:
            yield warning(f"{name} is {value!r}", remedy=f"unset it, or set it to a number from 1 to {cores}")


def check_disk(settings: Settings) -> Iterator[Fault]:
    """A full disk stops messages; a night needs room for what it builds."""
    folder = next(path for path in (settings.home, *settings.home.resolve().parents) if path.exists())
    free = shutil.disk_usage(folder).free
    needed = ROOM_FOR_A_NIGHT * max((_size(bundle) for bundle in settings.bundles.glob("*")), default=0)
    if free < LEAST_FREE:
        yield error(f"{_megabytes(free)} MB are free at {folder}", remedy="free some space there: messages will fail")
    elif free < needed:
        yield error(
            f"{_megabytes(free)} MB are free at {folder}; a night needs {_megabytes(needed)}",
            remedy="free some space there, or nights will fail",
        )


def check_clock(database: Database) -> Iterator[Fault]:
    """Sessions, retention and signatures go by the clock."""
    if now() < _BUILT:
        yield error(f"the clock says {now():%Y-%m-%d %H:%M} UTC", remedy="set it; let it follow a time server")
        return
    with database.read() as session:
        newest = [session.scalar(select(func.max(table.created_at))) for table in (Message, Promotion)]
        theirs = session.scalar(select(func.now())) if database.dialect == "postgresql" else None
    ahead = max((moment for moment in newest if moment is not None), default=None)
    if ahead is not None and ahead > now() + _SLACK:
        yield error(
            f"rows are from {ahead:%Y-%m-%d %H:%M} UTC, and the clock says {now():%Y-%m-%d %H:%M}",
            remedy="set the clock; let it follow a time server",
        )
    if theirs is not None and abs(theirs - now()) > _SLACK:
        yield warning(
            f"the database server's clock differs by {abs(theirs - now())}", remedy="let both follow a time server"
        )


def _features() -> set[str]:
    lines = CPU_INFO.read_text().splitlines()
    found = next((line for line in lines if line.lower().startswith(("flags", "features"))), "")
    return set(found.partition(":")[2].split())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _megabytes(size: int) -> str:
    return f"{size // 2**20:,}"
