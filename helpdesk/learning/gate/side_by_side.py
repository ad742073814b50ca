"""Why a candidate won or lost: incumbent, refreshed and retrained side by side. Pure: outcomes in, figures out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy.stats import binomtest

from helpdesk.learning.gate.paired_tests import Outcomes
from helpdesk.stats.intervals import LEVEL, difference

INCUMBENT = "incumbent"
SHOWN = 8


@dataclass(frozen=True)
class Side:
    """One version: how it did on rows it never learnt, and the report of its bundle.

    A candidate is paired with `before`, the outcomes of what it would replace, called `against` and measured the same
    way; None for the incumbent itself.
    """

    kind: str
    outcomes: Outcomes
    report: Mapping[str, Any] = field(default_factory=dict)
    before: Outcomes | None = None
    against: str = INCUMBENT


def explain(sides: Sequence[Side]) -> dict[str, Any]:
    """The sides in columns, and per candidate which intents and which confusions changed. For JSON."""
    candidates = [(side.kind, side.before, side.outcomes) for side in sides if side.before is not None]
    return {
        "sides": [_column(side) for side in sides],
        "intents": {kind: intent_changes(before, after) for kind, before, after in candidates},
        "confusions": {kind: confusions(before, after) for kind, before, after in candidates},
    }


def accuracy(outcomes: Outcomes) -> dict[str, Any]:
    """The share of right rows with its 95% interval (Wilson 1927); None for shares of nothing.

    Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American Statistical
    Association 22(158).
    """
    rows, right = len(outcomes), sum(outcome.right for outcome in outcomes.values())
    if not rows:
        return {"rows": 0, "right": 0, "share": None, "low": None, "high": None}
    interval = binomtest(right, rows).proportion_ci(LEVEL, method="wilson")
    return {
        "rows": rows,
        "right": right,
        "share": right / rows,
        "low": float(interval.low),
        "high": float(interval.high),
    }


def intent_changes(before: Outcomes, after: Outcomes) -> dict[str, list[dict[str, Any]]]:
    """The intents that gained most right rows and those that lost most, with all their rows. "" is out of scope."""
    rows = [row for row in before if row in after]
    total = Counter(after[row].intent for row in rows)
    was = Counter(before[row].intent for row in rows if before[row].right)
    now = Counter(after[row].intent for row in rows if after[row].right)
    change = {intent: now[intent] - was[intent] for intent in total}
    ranked = sorted(total, key=lambda intent: (-abs(change[intent]), intent))

    def told(sign: int) -> list[dict[str, Any]]:
        return [
            {"intent": intent, "rows": total[intent], "before": was[intent], "after": now[intent]}
            for intent in ranked
            if sign * change[intent] > 0
        ][:SHOWN]

    return {"gains": told(1), "losses": told(-1)}


def confusions(before: Outcomes, after: Outcomes) -> list[dict[str, Any]]:
    """The most frequent pairs of a true intent and a wrong choice, before and after. "" is out of scope."""
    rows = [row for row in before if row in after]
    was, now = _confused(before, rows), _confused(after, rows)
    ranked = sorted({*was, *now}, key=lambda pair: (-max(was[pair], now[pair]), -now[pair], pair))
    return [
        {"intent": intent, "chosen": chosen, "before": was[intent, chosen], "after": now[intent, chosen]}
        for intent, chosen in ranked[:SHOWN]
    ]


def _column(side: Side) -> dict[str, Any]:
    inside = {row: outcome for row, outcome in side.outcomes.items() if outcome.intent}
    outside = {row: outcome for row, outcome in side.outcomes.items() if not outcome.intent}
    limits, scorer = side.report.get("thresholds", {}), side.report.get("scorer", {})
    return {
        "kind": side.kind,
        "accuracy": accuracy(side.outcomes),
        "in_scope": accuracy(inside),
        "out_of_scope": accuracy(outside),
        "against": None if side.before is None else side.against,
        "difference": None if side.before is None else _difference(side.before, side.outcomes),
        "coverage": limits.get("coverage"),
        "wrong_rate": limits.get("wrong_rate"),
        "calibration_error": scorer.get("expected_calibration_error"),
    }


def _difference(before: Outcomes, after: Outcomes) -> dict[str, Any]:
    rows = [row for row in before if row in after]
    found = difference([before[row].right for row in rows], [after[row].right for row in rows])
    gained = sum(after[row].right and not before[row].right for row in rows)
    lost = sum(before[row].right and not after[row].right for row in rows)
    return found.as_dict() | {"rows": len(rows), "gained": gained, "lost": lost}


def _confused(outcomes: Outcomes, rows: Sequence[str]) -> Counter[tuple[str, str]]:
    found = (outcomes[row] for row in rows)
    return Counter((one.intent, one.chosen) for one in found if not one.right and one.chosen)
