"""Two versions, row by row, on rows that neither side trained on or indexed. Pure."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from helpdesk.records.night_report import ComparisonReport
from helpdesk.stats.multiple_testing import SIGNIFICANCE_LEVEL, Check, failed, lost_together, more_lost, more_than

MIN_ROWS_OF_INTENT = 3
KEPT_OF_INTENT = 0.25
FLIP_BUDGET = 0.1
MIN_ROWS_OF_BUDGET = 50
INTENTS, BUDGET = "intents", "budget"


@dataclass(frozen=True)
class Outcome:
    """How one version did on one row it never learnt. `intent` is the truth ("" out of scope).

    held_out: the row teaches no version, rather than being measured out of fold.
    """

    intent: str
    right: bool
    chosen: str | None = None
    nearest: str | None = None
    held_out: bool = False


Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class Comparison:
    """Candidate against incumbent on the rows both were measured on.

    p_worse: one-sided exact McNemar test (McNemar 1947) that the candidate loses more rows than it gains.
    slices_worse: parts of the rows where it is worse, broken: intents that stopped working, both by the family of all
    tests; failed: those tests.
    """

    rows: int
    incumbent_right: int
    candidate_right: int
    gained: int
    lost: int
    p_worse: float
    slices_worse: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    lost_rows: tuple[str, ...] = field(default=(), repr=False)
    failed: tuple[Check, ...] = field(default=(), repr=False)

    @property
    def net(self) -> int:
        """Rows gained minus rows lost."""
        return self.gained - self.lost

    def report(self) -> ComparisonReport:
        """The same for a report."""
        facts = {name: value for name, value in vars(self).items() if name != "failed"}
        return ComparisonReport(net=self.net, **facts)


@dataclass(frozen=True)
class _Pairs:
    """The rows that both were measured on, and which of them changed."""

    rows: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def compare(
    incumbent: Outcomes,
    candidate: Outcomes,
    *,
    best: Outcomes | None = None,
    flip_budget: float = FLIP_BUDGET,
    level: float = SIGNIFICANCE_LEVEL,
) -> Comparison:
    """Pair two versions on the rows both were measured on.

    best: outcomes of the best version of late, which the candidate must not be worse than either; flip_budget: share of
    the incumbent's right rows that may turn wrong, whatever is gained; level: how often all tests together may raise a
    false alarm.
    """
    pairs = _pair(incumbent, candidate)
    checks = list(_checks(incumbent, candidate, pairs, best=best, flip_budget=flip_budget))
    found = failed(checks, level=level)
    named = [check.name for check in found]
    return Comparison(
        rows=len(pairs.rows),
        incumbent_right=sum(incumbent[row].right for row in pairs.rows),
        candidate_right=sum(candidate[row].right for row in pairs.rows),
        gained=len(pairs.gained),
        lost=len(pairs.lost),
        p_worse=checks[0].p,
        slices_worse=tuple(check.name for check in checks if check.topic in ROW_SLICES and check.name in named),
        broken=tuple(sorted(check.name for check in found if check.topic == INTENTS)),
        lost_rows=pairs.lost,
        failed=tuple(found),
    )


OUTSIDE, BEST = "out-of-scope rows", "the best version of late"
ROW_SLICES: Mapping[str, Callable[[Outcome], bool]] = {
    "all rows": lambda outcome: True,
    "in-scope rows": lambda outcome: outcome.intent != "",
    OUTSIDE: lambda outcome: outcome.intent == "",
    "held-out labels": lambda outcome: outcome.held_out,
    BEST: lambda outcome: True,
}


def _pair(before: Outcomes, after: Outcomes) -> _Pairs:
    rows = tuple(row for row in before if row in after)
    return _Pairs(
        rows,
        tuple(row for row in rows if after[row].right and not before[row].right),
        tuple(row for row in rows if before[row].right and not after[row].right),
    )


def _checks(
    before: Outcomes, after: Outcomes, pairs: _Pairs, *, best: Outcomes | None, flip_budget: float
) -> Iterator[Check]:
    """The family: parts of the rows, the best version, the intents, the budget; that of all rows comes first.

    Equal evidence is tested once. When it is all out of scope it is called so: that is a rule of its own.
    """
    slices: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}
    for name, inside in ROW_SLICES.items():
        found = _pair(best or {}, after) if name == BEST else pairs
        gained = tuple(row for row in found.gained if inside(after[row]))
        lost = tuple(row for row in found.lost if inside(after[row]))
        if (gained, lost) not in slices or name == OUTSIDE:
            slices[gained, lost] = name
    yield from (more_lost(name, name, gained=len(gained), lost=lost) for (gained, lost), name in slices.items())
    yield from _intent_checks(before, after, pairs)
    right = sum(before[row].right for row in pairs.rows)
    if right >= MIN_ROWS_OF_BUDGET:
        yield more_than(BUDGET, BUDGET, lost=pairs.lost, of=right, share=flip_budget)


def _intent_checks(before: Outcomes, after: Outcomes, pairs: _Pairs) -> Iterator[Check]:
    """Each intent that worked, against the rate at which the others lose their rows.

    An intent that keeps more than a quarter of what it had right has not stopped working, whatever the test says.
    """
    total = Counter(before[row].intent for row in pairs.rows)
    was = Counter(before[row].intent for row in pairs.rows if before[row].right)
    now = Counter(before[row].intent for row in pairs.rows if after[row].right)
    for intent in sorted(total):
        if not intent or was[intent] < MIN_ROWS_OF_INTENT or 2 * was[intent] < total[intent]:
            continue
        lost = [row for row in pairs.lost if before[row].intent == intent]
        rate = (len(pairs.lost) - len(lost) + 1) / (sum(was.values()) - was[intent] + 2)
        stopped = now[intent] <= KEPT_OF_INTENT * was[intent]
        yield lost_together(INTENTS, intent, lost=lost if stopped else (), of=was[intent], rate=rate)


def share_lost(comparison: Comparison) -> float:
    """Of the rows that were right, the share that is no longer."""
    return comparison.lost / comparison.incumbent_right if comparison.incumbent_right else 0.0


def nearest_new(lost: Sequence[str], candidate: Outcomes, *, known: Collection[str]) -> list[str]:
    """The rows unknown before that lie nearest to what was lost, most often met first."""
    nearest = (candidate[row].nearest for row in lost)
    return [row for row, _ in Counter(row for row in nearest if row and row not in known).most_common(20)]
