"""Promotions and rollbacks under load, between two versions that answer the same messages differently."""

import time

from helpdesk.records.versions import ROLLBACK
from torture.stage import Stage
from torture.traffic import Traffic
from torture.worlds import Service

SECONDS = 2.0
GROWTH = 1.10
FLAT_AFTER = 20


def swap(stage: Stage) -> None:
    """Every other swap is a rollback; the next one comes when no worker answers with the old version."""
    first, second = stage.world.pair
    stage.world.promote(first)
    sizes: list[int] = []
    with stage.traffic() as (service, load):
        for number in stage.rounds():
            new, reason = (first, ROLLBACK) if number % 2 else (second, "torture")
            stage.world.promote(new, reason=reason)
            moment = time.monotonic()
            service.wait_for(lambda moment=moment, new=new: _in_force(load, moment, new))  # type: ignore[misc]
            stage.outcome.took("in force", _late(load, moment, new), most=SECONDS)
            sizes.append(_memory(service))
    stage.outcome.expect(not any(t.status == 0 for t in load.tries), "a request failed")
    if len(sizes) > FLAT_AFTER:
        growth = max(sizes[FLAT_AFTER:]) / sizes[0]
        stage.outcome.note("memory against after the first swap", growth)
        stage.outcome.expect(growth <= GROWTH, f"memory grew to {growth:.2f} of what it was after the first swap")


def _in_force(load: Traffic, moment: float, version: int) -> bool:
    """Whether every answer of the last second is the new version's, or of the last thirty on a slow machine."""
    told = [t.version for t in load.tries[-200:] if t.status == 200 and t.started > moment]
    return len(told) >= 30 and set(told[-30:]) == {version} and time.monotonic() > moment + 1


def _late(load: Traffic, moment: float, version: int) -> float:
    """Seconds from the end of the command to the last request that the old version still answered."""
    old = (t.started - moment for t in load.tries if t.status == 200 and t.started > moment and t.version != version)
    return max(old, default=0.0)


def _memory(service: Service) -> int:
    """Resident bytes of the larger worker."""
    return max(int(worker.memory_info().rss) for worker in service.workers())
