"""Is a candidate better, nowhere worse? Paired, exact, on rows that neither side trained on or indexed. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from scipy.stats import binomtest

SIGNIFICANCE = 0.05
MIN_ROWS_OF_INTENT = 3


@dataclass(frozen=True)
class Outcome:
    """How one version did on one row it never learnt. `intent` is the truth ("" out of scope)."""

    intent: str
    right: bool
    chosen: str | None = None
    nearest: str | None = None


Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class Comparison:
    """Candidate against incumbent on the rows both were measured on.

    p_worse: one-sided exact McNemar test (McNemar 1947) that the candidate loses more rows than it gains.
    slices_worse: parts of the rows where that is significant; broken: intents that worked and now never do.
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

    @property
    def net(self) -> int:
        """Rows gained minus rows lost."""
        return self.gained - self.lost

    def summary(self) -> dict[str, Any]:
        """The same for a report."""
        return vars(self) | {"net": self.net}


@dataclass(frozen=True)
class Verdict:
    """What to do with one candidate, and why in words."""

    promote: bool
    reasons: tuple[str, ...]
    comparison: Comparison
    blamed: tuple[str, ...] = ()


def compare(incumbent: Outcomes, candidate: Outcomes) -> Comparison:
    """Pair two versions on the rows both were measured on."""
    rows = [row for row in incumbent if row in candidate]
    gained = [row for row in rows if candidate[row].right and not incumbent[row].right]
    lost = [row for row in rows if incumbent[row].right and not candidate[row].right]
    return Comparison(
        rows=len(rows),
        incumbent_right=sum(incumbent[row].right for row in rows),
        candidate_right=sum(candidate[row].right for row in rows),
        gained=len(gained),
        lost=len(lost),
        p_worse=_p_worse(len(gained), len(lost)),
        slices_worse=tuple(_slices_worse(rows, gained, lost, incumbent)),
        broken=tuple(_broken(rows, incumbent, candidate)),
        lost_rows=tuple(lost),
    )


def judge_refreshed(incumbent: Outcomes, refreshed: Outcomes, *, known: Sequence[str]) -> Verdict:
    """New phrasings under the same encoder go live unless they are significantly worse or break an intent.

    `known` are the row ids that the incumbent has already; when the candidate is refused, the new rows nearest to
    what it lost are blamed.
    """
    comparison = compare(incumbent, refreshed)
    reasons = _objections(comparison)
    if not reasons:
        return Verdict(True, ("not worse than the version in service",), comparison)
    return Verdict(False, tuple(reasons), comparison, tuple(_blamed(comparison, refreshed, set(known))))


def judge_retrained(standing: Outcomes, retrained: Outcomes) -> Verdict:
    """A new encoder must beat what would serve otherwise, and be nowhere significantly worse. A tie keeps it out."""
    comparison = compare(standing, retrained)
    reasons = _objections(comparison)
    if comparison.net <= 0:
        reasons.append(f"no net gain ({comparison.gained} rows gained, {comparison.lost} lost)")
    if reasons:
        return Verdict(False, tuple(reasons), comparison)
    return Verdict(True, (f"{comparison.gained} rows gained, {comparison.lost} lost",), comparison)


def _objections(comparison: Comparison) -> list[str]:
    reasons = [f"significantly worse on {name}" for name in comparison.slices_worse]
    return reasons + [f"intent {intent} worked and no longer does" for intent in comparison.broken]


def _slices_worse(rows: Sequence[str], gained: Sequence[str], lost: Sequence[str], truth: Outcomes) -> list[str]:
    slices: dict[str, Callable[[str], bool]] = {
        "all rows": lambda row: True,
        "in-scope rows": lambda row: truth[row].intent != "",
        "out-of-scope rows": lambda row: truth[row].intent == "",
        "held-out labels": lambda row: row.startswith("label:"),
    }
    return [
        name
        for name, inside in slices.items()
        if _p_worse(sum(map(inside, gained)), sum(map(inside, lost))) < SIGNIFICANCE
    ]


def _p_worse(gained: int, lost: int) -> float:
    if lost <= gained:
        return 1.0
    return float(binomtest(lost, gained + lost, 0.5, alternative="greater").pvalue)


def _broken(rows: Sequence[str], incumbent: Outcomes, candidate: Outcomes) -> list[str]:
    total, before, after = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        intent = incumbent[row].intent
        total[intent] += 1
        before[intent] += incumbent[row].right
        after[intent] += candidate[row].right
    return [
        intent
        for intent in sorted(total)
        if intent and total[intent] >= MIN_ROWS_OF_INTENT and 2 * before[intent] >= total[intent] and not after[intent]
    ]


def _blamed(comparison: Comparison, candidate: Outcomes, known: set[str]) -> list[str]:
    nearest = (candidate[row].nearest for row in comparison.lost_rows)
    return [row for row, _ in Counter(row for row in nearest if row and row not in known).most_common(20)]
