"""One candidate and all evidence the gate's rules may ask for."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from helpdesk.learning.gate.paired_tests import FLIP_BUDGET, Comparison, Outcomes, compare
from helpdesk.learning.gate.relabelling import Relabelled
from helpdesk.learning.gate.replay import NO_REPLAY, Replay
from helpdesk.matching.decide import Decision
from helpdesk.records.candidate_report import SliceReport, ThresholdsReport
from helpdesk.records.golden import GoldenPhrase
from helpdesk.stats.multiple_testing import SIGNIFICANCE_LEVEL

SILENCE_LEVEL = 0.01  # of the 5% false alarms a night


@dataclass(frozen=True)
class Limits:
    """What the operator allows: shares of right rows turned wrong and of answers changed, a gap between two groups
    (None: any), times as slow, times as large."""

    flips: float = FLIP_BUDGET
    changes: float = 1.0
    gap: float | None = None
    slowdown: float = 3.0
    growth: float = 3.0


@dataclass(frozen=True)
class Cost:
    """A version before and after: seconds to encode one message, bytes to load; phrasings: how many times as many."""

    seconds: tuple[float, float]
    size: tuple[int, int]
    phrasings: float = 1.0


@dataclass(frozen=True)
class Golden:
    """A golden phrase of a published entry, and what the version in service and the candidate say to it."""

    phrase: GoldenPhrase
    before: Decision
    after: Decision


@dataclass(frozen=True)
class Coverage:
    """Thresholds of the version in service and of the candidate; best: the highest coverage of the last 30 nights."""

    before: ThresholdsReport
    after: ThresholdsReport
    best: float = 0.0


@dataclass(frozen=True)
class Case:
    """A candidate against what serves. Evidence that was not gathered (None or empty) lets its rules pass.

    needs_gain: whether it must gain rows, as a new encoder must; before, after and best: outcomes by row id of what
    serves, of the candidate, and of the historical best; known: ids of the rows that the version in service has;
    level, silence_level: this candidate's part of a night's false alarms; coverage: only under the
    error-rate contract that the version in service was built under.
    """

    before: Outcomes = field(default_factory=dict)
    after: Outcomes = field(default_factory=dict)
    needs_gain: bool = False
    best: Outcomes | None = None
    known: frozenset[str] = frozenset()
    limits: Limits = Limits()
    level: float = SIGNIFICANCE_LEVEL
    silence_level: float = SILENCE_LEVEL
    replay: Replay = NO_REPLAY
    coverage: Coverage | None = None
    golden: Sequence[Golden] = ()
    slices: Sequence[SliceReport] = ()
    relabelled: Sequence[Relabelled] = ()
    cost: Cost | None = None

    @cached_property
    def comparison(self) -> Comparison:
        """The tests on labelled rows, all at this candidate's level."""
        return compare(self.before, self.after, best=self.best, flip_budget=self.limits.flips, level=self.level)
