"""Why a candidate won or lost: incumbent, refreshed and retrained side by side. Pure: outcomes in, report out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from helpdesk.learning.gate.paired_tests import Outcomes
from helpdesk.records.candidate_report import CandidateReport
from helpdesk.records.night_report import (
    Confusion,
    DifferenceReport,
    Explanation,
    IntentChange,
    IntentChanges,
    ShareReport,
    VersionColumn,
)
from helpdesk.stats.intervals import CONFIDENCE_LEVEL, difference

INCUMBENT = "incumbent"
ROWS_SHOWN = 8


@dataclass(frozen=True)
class Column:
    """One version: how it did on rows it never learnt, and the report of its bundle.

    A candidate is paired with `before`, the outcomes of what it would replace, called `against` and measured the same
    way; None for the incumbent itself.
    """

    kind: str
    outcomes: Outcomes
    report: CandidateReport = field(default_factory=lambda: CandidateReport())
    before: Outcomes | None = None
    against: str = INCUMBENT


def explain(columns: Sequence[Column]) -> Explanation:
    """The versions in columns, and per candidate which intents and which confusions changed."""
    candidates = [(column.kind, column.before, column.outcomes) for column in columns if column.before is not None]
    return Explanation(
        versions=tuple(_version(column) for column in columns),
        intents={kind: intent_changes(before, after) for kind, before, after in candidates},
        confusions={kind: confusions(before, after) for kind, before, after in candidates},
    )


def accuracy(outcomes: Outcomes) -> ShareReport:
    """The share of right rows with its 95% interval (Wilson 1927); None for shares of nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical
    Association 22(158).
    """
    from scipy.stats import binomtest

    rows, right = len(outcomes), sum(outcome.right for outcome in outcomes.values())
    if not rows:
        return ShareReport(rows=0, right=0, share=None, low=None, high=None)
    interval = binomtest(right, rows).proportion_ci(CONFIDENCE_LEVEL, method="wilson")
    return ShareReport(rows=rows, right=right, share=right / rows, low=float(interval.low), high=float(interval.high))


def intent_changes(before: Outcomes, after: Outcomes) -> IntentChanges:
    """The intents that gained most right rows and those that lost most, with all their rows. "" is out of scope."""
    rows = [row for row in before if row in after]
    total = Counter(after[row].intent for row in rows)
    was = Counter(before[row].intent for row in rows if before[row].right)
    now = Counter(after[row].intent for row in rows if after[row].right)
    ranked = sorted(total, key=lambda intent: (-abs(now[intent] - was[intent]), intent))
    changes = [
        IntentChange(intent=intent, rows=total[intent], before=was[intent], after=now[intent]) for intent in ranked
    ]
    return IntentChanges(
        gains=tuple(change for change in changes if change.after > change.before)[:ROWS_SHOWN],
        losses=tuple(change for change in changes if change.after < change.before)[:ROWS_SHOWN],
    )


def confusions(before: Outcomes, after: Outcomes) -> tuple[Confusion, ...]:
    """The most frequent pairs of a true intent and a wrong choice, before and after. "" is out of scope."""
    rows = [row for row in before if row in after]
    was, now = _confused(before, rows), _confused(after, rows)
    ranked = sorted({*was, *now}, key=lambda pair: (-max(was[pair], now[pair]), -now[pair], pair))
    return tuple(
        Confusion(intent=intent, chosen=chosen, before=was[intent, chosen], after=now[intent, chosen])
        for intent, chosen in ranked[:ROWS_SHOWN]
    )


def _version(column: Column) -> VersionColumn:
    inside = {row: outcome for row, outcome in column.outcomes.items() if outcome.intent}
    outside = {row: outcome for row, outcome in column.outcomes.items() if not outcome.intent}
    fitted = column.report.thresholds
    return VersionColumn(
        kind=column.kind,
        accuracy=accuracy(column.outcomes),
        in_scope=accuracy(inside),
        out_of_scope=accuracy(outside),
        against=None if column.before is None else column.against,
        difference=None if column.before is None else _difference(column.before, column.outcomes),
        coverage=None if fitted is None else fitted.coverage,
        wrong_rate=None if fitted is None else fitted.wrong_rate,
        calibration_error=column.report.scorer.expected_calibration_error,
    )


def _difference(before: Outcomes, after: Outcomes) -> DifferenceReport:
    rows = [row for row in before if row in after]
    found = difference([before[row].right for row in rows], [after[row].right for row in rows])
    gained = sum(after[row].right and not before[row].right for row in rows)
    lost = sum(before[row].right and not after[row].right for row in rows)
    return DifferenceReport(**found.as_dict(), rows=len(rows), gained=gained, lost=lost)


def _confused(outcomes: Outcomes, rows: Sequence[str]) -> Counter[tuple[str, str]]:
    found = (outcomes[row] for row in rows)
    return Counter((one.intent, one.chosen) for one in found if not one.right and one.chosen)
