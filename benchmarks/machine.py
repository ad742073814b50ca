"""How busy a machine is beside what is measured, and what the measured processes used of it."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psutil
from services import Process, family, processor_seconds

MOST_BUSY = 0.1  # of all cores; a figure from a machine that others use more is none


class Watch:
    """A stretch of time in which services are measured from this process."""

    def __init__(self, services: Sequence[Process]) -> None:
        self._services = services
        self.others = 0.0  # share of all cores that neither these services nor this process used

    def __enter__(self) -> Self:
        self._began, self._all, self._own = time.perf_counter(), _used(), self._used_here()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        seconds = time.perf_counter() - self._began
        others = _used() - self._all - (self._used_here() - self._own)
        self.others = max(0.0, others / (seconds * (os.cpu_count() or 1)))

    def _used_here(self) -> float:
        return time.process_time() + sum(processor_seconds(service) for service in self._services)


class Instructions:
    """Instructions in user space that a service carries out, by `perf`; None where the machine does not count them."""

    def __init__(self, service: Process) -> None:
        self.count: int | None = None
        self._service = service

    def __enter__(self) -> Self:
        pids = ",".join(str(one.pid) for one in family(self._service))
        command = ["perf", "stat", "-x", ",", "-e", "instructions:u", "-p", pids]
        known = shutil.which("perf") is not None
        self._perf = subprocess.Popen(command, stderr=subprocess.PIPE, text=True) if known else None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._perf is None:
            return
        self._perf.send_signal(signal.SIGINT)
        said = self._perf.communicate()[1]
        number = said.partition(",")[0].strip()
        self.count = int(number) if number.isdecimal() else None


def _used() -> float:
    """Seconds that all cores were used so far, and that the host gave to other machines."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - times.iowait - times.guest - times.guest_nice)
