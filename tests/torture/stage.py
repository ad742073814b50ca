"""What every case is given, and what it gives back."""

import math
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from torture.traffic import Traffic, acknowledged, judge_traffic
from torture.worlds import Service, World, served

MOST_SHOWN = 5


def end_in_order_when_terminated() -> None:
    """SIGTERM ends a run as SIGINT does: services, servers and file systems that it made go with it."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))


@dataclass
class Outcome:
    """What came of a case: how often it was done, what was measured, what was wrong, and what took too long, which may
    be the machine's doing. left_out: why it was not run at all."""

    done: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    left_out: str | None = None

    def note(self, name: str, value: float) -> None:
        """Keep the largest value of a figure."""
        self.figures[name] = round(max(value, self.figures.get(name, value)), 2)

    def took(self, name: str, seconds: float, *, most: float) -> None:
        """Keep the longest time of something, and whether it was too long."""
        self.note(f"{name}, s", seconds)
        if seconds > most:
            self.late.append(f"{name}: {seconds:.1f} s, expected at most {most:g}")

    def add(self, name: str, value: float) -> None:
        """Add to a figure."""
        self.figures[name] = self.figures.get(name, 0) + value

    def expect(self, holds: bool, problem: str) -> None:
        """Keep what should not be so."""
        if not holds:
            self.problems.append(problem)


@dataclass
class Stage:
    """One run of one case: its world, how often, chance of its seed, a folder of its own. minutes: no round begins
    after so many."""

    name: str
    world: World
    times: int
    seed: int
    folder: Path
    minutes: float = math.inf
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self.chance = random.Random(f"{self.name} {self.seed}")

    def rounds(self) -> Iterator[int]:
        """The rounds, counted as they end; says how far it is and how long it may take."""
        began = time.monotonic()
        for number in range(self.times):
            yield number
            self.outcome.done = number + 1
            took = time.monotonic() - began
            if took > self.minutes * 60:
                break
            left = took / (number + 1) * (self.times - number - 1)
            sys.stderr.write(f"\r{self.name}: {number + 1} of {self.times}, {took:.0f} s, about {left:.0f} s left   ")
            sys.stderr.flush()

    @contextmanager
    def traffic(self, *, clients: int = 4, pause: float = 0.0) -> Iterator[tuple[Service, Traffic]]:
        """The world's service under load; afterwards the oracle is asked."""
        name = f"{self.name.replace(' ', '_')}-{self.seed}"
        with served(self.world) as service:
            with Traffic(self.world, self.folder / f"{name}.jsonl", name=name, clients=clients, pause=pause) as load:
                yield service, load
            self.judge(load, name)

    def judge(self, load: Traffic, name: str) -> None:
        """Ask the oracle about traffic that has ended."""
        found = judge_traffic(self.world, load.tries, name=name)
        self.outcome.problems += found[:MOST_SHOWN]
        if found[MOST_SHOWN:]:
            self.outcome.problems.append(f"and {len(found) - MOST_SHOWN} more")
        self.outcome.add("acknowledged", acknowledged(load.tries))
        self.outcome.add("requests that failed", sum(t.status != 200 for t in load.tries))


class Play(Protocol):
    """A case as it is played."""

    def __call__(self, stage: Stage) -> None:
        """Play it, and note what comes of it in the stage's outcome."""


@dataclass(frozen=True)
class Case:
    """A case of the matrix. rows: their numbers; times: in a full run; bound: in the bounded run; databases: kinds."""

    name: str
    rows: tuple[int, ...]
    play: Play
    times: int
    bound: int
    checked: str
    databases: tuple[str, ...] = ("sqlite", "postgresql")
