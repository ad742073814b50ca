"""Nights that are killed, or whose disk fails, while the service answers."""

import time
from collections.abc import Callable
from pathlib import Path

from forks import Forked, fork
from sqlalchemy import select

from helpdesk.records import faq, versions
from helpdesk.records.clock import now
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Lease
from torture.stage import Stage
from torture.worlds import World

SHORT = """
from helpdesk.learning.bundles import build
build.evaluation_size = lambda rows: 3  # what bundles are examined on is not what is tried here, and takes longest
from helpdesk.cli.main import main
"""
PLAIN = SHORT + "main()"
KILLED_AT = (
    SHORT
    + """
import os, sys, threading
from importlib import import_module
module, name, when = sys.argv.pop(1).split(":")
owner = import_module(module)
real = getattr(owner, name)
def die():
    os.kill(os.getpid(), 9)
def deadly(*args, **options):
    if when == "after":
        real(*args, **options)
    elif when != "before":
        threading.Timer(float(when), die).start()
        return real(*args, **options)
    die()
setattr(owner, name, deadly)
main()
"""
)
STEPS = (
    "helpdesk.matching.bundle:publish:after",
    "helpdesk.records.versions:promote:after",
    "helpdesk.matching.bundle:seal:before",
    "helpdesk.learning.bundles.retention:prune:before",
    "helpdesk.learning.bundles.build:build_graph:after",
    "helpdesk.matching.bundle:seal:after",
    "helpdesk.matching.bundle:publish:before",
    "helpdesk.records.versions:promote:before",
    "helpdesk.learning.bundles.retention:prune:after",
)
TRAINING = (
    "helpdesk.learning.training.train:fine_tune:{moment:.2f}",
    "helpdesk.learning.training.train:fine_tune:after",
    "helpdesk.learning.night.attempts:examine_encoder:before",
    "helpdesk.learning.bundles.build:_write_measurement:before",
)
REFRESH = ("retrain", "--no-finetune")
FINE_TUNE = ("retrain", "--steps", "30")
REFUSED = 10  # the exit code of such a night
WHOLE_EVERY = 10  # rounds
NIGHT_SECONDS = 600


def kill_at_steps(stage: Stage) -> None:
    """kill -9 before and after each step of a refreshed night, in turn."""
    _kill(stage, lambda number: (REFRESH, STEPS[number % len(STEPS)]))


def kill_while_fine_tuning(stage: Stage) -> None:
    """kill -9 somewhere in the training of an encoder, after it, while it is examined and measured."""
    _kill(
        stage,
        lambda number: (FINE_TUNE, TRAINING[number % len(TRAINING)].format(moment=stage.chance.uniform(0.0, 0.5))),
    )


def kill_at_random(stage: Stage) -> None:
    """kill -9 at a moment drawn from the whole length of a night."""
    with stage.traffic(clients=1, pause=0.1):
        teach(stage.world, 0)
        began = time.monotonic()
        _run(stage, start(stage.world, stage.folder, *REFRESH), (0, 10))
        length = time.monotonic() - began
        for number in stage.rounds():
            teach(stage.world, number)
            night = start(stage.world, stage.folder, *REFRESH)
            time.sleep(stage.chance.uniform(0.02, 1.0) * length)
            night.kill()
            night.communicate()
            _look(stage, number, "at random")
        _whole(stage)


def _kill(stage: Stage, planned: Callable[[int], tuple[tuple[str, ...], str]]) -> None:
    with stage.traffic(clients=1, pause=0.1):
        for number in stage.rounds():
            teach(stage.world, number)
            words, step = planned(number)
            night = start(stage.world, stage.folder, step, *words, script=KILLED_AT)
            said, complaints = night.communicate(timeout=NIGHT_SECONDS)
            refused = "promote" in step and night.returncode == REFUSED  # by the gate, before it came to the step
            stage.outcome.add("nights that the gate refused", refused)
            stage.outcome.expect(
                refused or night.returncode == -9,
                f"{step}: the night ended with {night.returncode}: {(said + complaints)[-300:]}",
            )
            _look(stage, number, step)
            if number % WHOLE_EVERY == WHOLE_EVERY - 1:
                _whole(stage)
        _whole(stage)


def _whole(stage: Stage) -> None:
    """A night that nobody kills ends well and leaves nothing over."""
    _run(stage, start(stage.world, stage.folder, *REFRESH), (0, 10))
    stage.outcome.problems += untidy(stage.world)


def _look(stage: Stage, number: int, step: str) -> None:
    """The version in service is whole, whichever it is."""
    try:
        stage.world.current()
    except Exception as error:
        stage.outcome.problems.append(f"round {number + 1}, {step}: {type(error).__name__}: {error}")


def _run(stage: Stage, night: Forked, codes: tuple[int, ...]) -> None:
    said, complaints = night.communicate(timeout=NIGHT_SECONDS)
    stage.outcome.expect(
        night.returncode in codes, f"a whole night ended with {night.returncode}: {(said + complaints)[-500:]}"
    )


def teach(world: World, number: int) -> None:
    """One phrasing more, so that there is something to refresh."""
    with world.records() as database, database.write() as session:
        phrasing = f"tunnel number {number} {time.monotonic_ns()} is closed"
        faq.store_entries(session, [Entry("vpn", phrasings=(phrasing,))], author="torture", source="edit")


def start(world: World, folder: Path, *words: str, script: str = PLAIN) -> Forked:
    """A night in a process of its own."""
    return fork(script, *words, environment=world.environment, folder=folder)


def untidy(world: World) -> list[str]:
    """Leftovers, bundles without a version, a lease that is in force."""
    with world.records() as database, database.read() as session:
        named = {version.directory for version in versions.list_versions(session)}
        held = session.scalars(select(Lease).where(Lease.expires_at > now())).all()
    lying = {path.name for path in world.settings.bundles.iterdir()}
    return [
        *(f"{name} lies there and no version has it" for name in sorted(lying - named)),
        *(f"the lease {lease.name} of process {lease.process_id} is still in force" for lease in held),
    ]
