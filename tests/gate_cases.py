"""Planted cases for the gate, and what single rules say to them."""

from collections.abc import Sequence

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.gate.case import SILENCE_LEVEL, Case, Coverage, Golden, Limits
from helpdesk.learning.gate.paired_tests import FLIP_BUDGET, Outcome, Outcomes
from helpdesk.learning.gate.relabelling import Relabelled
from helpdesk.learning.gate.replay import Replay, ReplayedText, compare_decisions
from helpdesk.learning.gate.rules import RULES, Objection, Rule
from helpdesk.learning.gate.verdict import Verdict, judge
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.records.candidate_report import Levels, ThresholdsReport
from helpdesk.records.golden import GoldenPhrase
from helpdesk.stats.multiple_testing import SIGNIFICANCE_LEVEL

Rows = dict[str, Outcome]


def rows(right: str, intent: str = "vpn", *, start: int = 0, prefix: str = "phrasing") -> Rows:
    """One row a character: 1 right, 0 wrong."""
    held_out = prefix == "label"
    return {f"{prefix}:{start + n}": Outcome(intent, mark == "1", held_out=held_out) for n, mark in enumerate(right)}


def spread(lost: int, gained: int, *, of: int = 2000) -> tuple[Rows, Rows]:
    """Many rows over 50 intents, so many lost and gained, evenly."""
    before = {f"phrasing:{n}": Outcome(f"i{n % 50}", n >= gained) for n in range(of)}
    after = {f"phrasing:{n}": Outcome(f"i{n % 50}", n < gained or n >= gained + lost) for n in range(of)}
    return before, after


def said(kind: str, intent: str = "vpn") -> Decision:
    """A decision."""
    return Decision(DecisionKind(kind), (Ranked(intent, 0.9),), (), DecisionReason.CONFIDENT)


def replayed(before: Sequence[Decision], after: Sequence[Decision], *, truth: str | None = None) -> Replay:
    """One distinct text a decision, asked twice."""
    asked = [ReplayedText(n, f"text {n}", 2, truth) for n in range(len(before))]
    return compare_decisions(asked, before, after)


def fitted(coverage: float, answer: float = 0.7, *, answered: int = 50) -> ThresholdsReport:
    """Thresholds as a bundle reports them."""
    return ThresholdsReport(thresholds=Levels(answer=answer, clarify=0.8), coverage=coverage, answered=answered)


QUIET = replayed([], [])


def judge_refreshed(
    before: Outcomes,
    after: Outcomes,
    *,
    best: Outcomes | None = None,
    flip_budget: float = FLIP_BUDGET,
    level: float = SIGNIFICANCE_LEVEL,
) -> Verdict:
    """New phrasings under the same encoder, on labelled rows alone."""
    return judge(Case(before, after, best=best, limits=Limits(flips=flip_budget), level=level))


def judge_retrained(before: Outcomes, after: Outcomes, *, level: float = SIGNIFICANCE_LEVEL) -> Verdict:
    """A new encoder, on labelled rows alone."""
    return judge(Case(before, after, needs_gain=True, level=level))


def objections(case: Case, *rules: Rule) -> list[Objection]:
    """What some rules have against a case."""
    return [objection for rule in RULES if rule.name in rules for objection in rule.objections(case)]


def too_many_changes(replay: Replay, *, budget: float) -> list[Objection]:
    """The rule for messages that lose their answer."""
    return objections(Case(replay=replay, limits=Limits(changes=budget)), Rule.CHANGED)


def silenced_intents(replay: Replay, *, level: float = SILENCE_LEVEL) -> list[Objection]:
    """The rule for intents that are no longer answered."""
    return objections(Case(replay=replay, silence_level=level), Rule.INTENT)


def too_little_coverage(
    before: ThresholdsReport, after: ThresholdsReport, replay: Replay, *, best: float = 0.0
) -> list[Objection]:
    """The rules for what is answered directly."""
    return objections(Case(replay=replay, coverage=Coverage(before, after, best)), Rule.CONTRACT, Rule.COVERAGE)


def broken_promises(intent: str | None, before: Decision, after: Decision) -> list[Objection]:
    """The rule for golden phrases, of number 7."""
    golden = Golden(GoldenPhrase(7, "text", intent), before, after)
    return objections(Case(golden=(golden,)), Rule.GOLDEN)


def contradicted_changes(changes: Sequence[Relabelled]) -> list[Objection]:
    """The rule for texts that were moved to another intent."""
    return objections(Case(relabelled=changes), Rule.RELABELLED)
