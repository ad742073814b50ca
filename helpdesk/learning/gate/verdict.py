"""Is a candidate better, nowhere worse? What every rule found, put together into one verdict. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from helpdesk.learning.gate.paired_tests import (
    BEST,
    BUDGET,
    INTENTS,
    OUTSIDE,
    Comparison,
    Outcomes,
    compare,
    nearest_new,
    share_lost,
)
from helpdesk.stats.multiple_testing import LEVEL, Check

SHOWN = 50


@dataclass(frozen=True)
class Objection:
    """Why a candidate must not serve: the rule, the reason in words, and the ids of what proves it."""

    rule: str
    reason: str
    rows: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return {"rule": self.rule, "reason": self.reason, "rows": list(self.rows[:SHOWN])}


@dataclass(frozen=True)
class Evidence:
    """What is known about a candidate beside its rows against those of what serves.

    best: outcomes of the best version of the last nights (`champion.py`); flip_budget: share of right rows that may
    turn wrong; objections: what rules found that look at other things than labelled rows; level: this candidate's part
    of the night's false alarms.
    """

    best: Outcomes | None = None
    flip_budget: float = 0.1
    objections: tuple[Objection, ...] = ()
    level: float = LEVEL


NOTHING_ELSE = Evidence()


@dataclass(frozen=True)
class Verdict:
    """What to do with one candidate, and why in words."""

    promote: bool
    reasons: tuple[str, ...]
    comparison: Comparison
    blamed: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = field(default=(), repr=False)

    def as_dict(self) -> dict[str, Any]:
        """For a report."""
        return {
            "promote": self.promote,
            "reasons": list(self.reasons),
            "blamed": list(self.blamed),
            "comparison": self.comparison.summary(),
            "objections": [objection.as_dict() for objection in self.objections],
        }


def judge_refreshed(
    incumbent: Outcomes, refreshed: Outcomes, *, known: Sequence[str], evidence: Evidence = NOTHING_ELSE
) -> Verdict:
    """New phrasings under the same encoder go live unless a rule objects.

    `known` are the row ids that the incumbent has already; when the candidate is refused, the new rows nearest to
    what it lost are blamed.
    """
    comparison = _compare(incumbent, refreshed, evidence)
    objections = _objections(comparison, evidence)
    if not objections:
        return Verdict(True, ("not worse than the version in service",), comparison)
    blamed = nearest_new(comparison.lost_rows, refreshed, known=set(known))
    return Verdict(False, _reasons(objections), comparison, tuple(blamed), objections)


def judge_retrained(standing: Outcomes, retrained: Outcomes, *, evidence: Evidence = NOTHING_ELSE) -> Verdict:
    """A new encoder must gain more labelled rows than it loses against what would serve otherwise, and no rule may
    object. A tie keeps it out.

    The gain is that of right rows alone, held-out labels of all nights together: coverage moves with every fit of the
    thresholds and is guarded by a rule of its own.
    """
    comparison = _compare(standing, retrained, evidence)
    objections = _objections(comparison, evidence)
    if comparison.net <= 0:
        reason = f"no net gain ({comparison.gained} rows gained, {comparison.lost} lost)"
        objections += (Objection("no_gain", reason, comparison.lost_rows),)
    if objections:
        return Verdict(False, _reasons(objections), comparison, objections=objections)
    return Verdict(True, (f"{comparison.gained} rows gained, {comparison.lost} lost",), comparison)


def refuse(*objections: Objection) -> Verdict:
    """The verdict on what could not even be measured."""
    return Verdict(False, _reasons(objections), compare({}, {}), objections=objections)


def _compare(before: Outcomes, after: Outcomes, evidence: Evidence) -> Comparison:
    return compare(before, after, best=evidence.best, flip_budget=evidence.flip_budget, level=evidence.level)


def _objections(comparison: Comparison, evidence: Evidence) -> tuple[Objection, ...]:
    return (*(_objection(check, comparison, evidence) for check in comparison.failed), *evidence.objections)


def _objection(check: Check, comparison: Comparison, evidence: Evidence) -> Objection:
    if check.topic == INTENTS:
        return Objection("intent", f"intent {check.name} worked and no longer does", check.rows)
    if check.topic == BUDGET:
        reason = (
            f"{100 * share_lost(comparison):.0f}% of the rows that were right turn wrong; "
            f"{100 * evidence.flip_budget:.0f}% are allowed, whatever is gained"
        )
        return Objection("right_to_wrong", reason, check.rows)
    if check.name == BEST:
        return Objection(
            "worse_than_best", "significantly worse than the best version of the last 30 nights", check.rows
        )
    rule = "out_of_scope" if check.name == OUTSIDE else "worse"
    more = ": more of them are answered" if rule == "out_of_scope" else ""
    return Objection(rule, f"significantly worse on {check.name}{more}", check.rows)


def _reasons(objections: Sequence[Objection]) -> tuple[str, ...]:
    return tuple(objection.reason for objection in objections)
