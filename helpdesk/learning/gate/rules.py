"""The rules of the gate: for each, its name and what it has against a candidate, in words. Pure.

A new rule is a member of `Rule`, a function from a case to objections, and its line in `RULES`; its evidence, when
nothing has it yet, a field of `Case`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from helpdesk.decisions import DecisionKind
from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.paired_tests import BEST, BUDGET, INTENTS, OUTSIDE, share_lost
from helpdesk.learning.gate.traffic_rules import Found, changed, contract, coverage, loosened, silenced
from helpdesk.matching.decide import Decision
from helpdesk.records.golden import GoldenPhrase
from helpdesk.records.night_report import ObjectionReport
from helpdesk.stats.multiple_testing import Check

PROOF_ROWS = 50
NOTICEABLE = 0.001  # seconds a message: below this nobody waits, whatever the ratio
RELABELLED_LEVEL = 0.001  # most corrections are right, so by chance this is rarer still
_METRICS = {"answer_rate": "answered directly", "accuracy": "accuracy"}


class Rule(StrEnum):
    """Why a candidate may be refused. Those after NO_GAIN look at what could not be judged at all."""

    WORSE = "worse"
    OUT_OF_SCOPE = "out_of_scope"
    WORSE_THAN_BEST = "worse_than_best"
    INTENT = "intent"
    RIGHT_TO_WRONG = "right_to_wrong"
    SLOWER = "slower"
    LARGER = "larger"
    GOLDEN = "golden"
    FAIRNESS = "fairness"
    RELABELLED = "relabelled"
    CONTRACT = "contract"
    COVERAGE = "coverage"
    CHANGED = "changed"
    LOOSENED = "loosened"
    NO_GAIN = "no_gain"
    NOT_FINITE = "not_finite"
    TOKENIZER = "tokenizer"
    BROKEN = "broken"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True)
class Objection:
    """What a rule has against a candidate: the reason in words, and the ids of the rows that prove it."""

    rule: Rule
    reason: str
    rows: tuple[str, ...] = ()

    def report(self) -> ObjectionReport:
        """For a report, with the first 50 rows."""
        return ObjectionReport(rule=self.rule, reason=self.reason, rows=self.rows[:PROOF_ROWS])


@dataclass(frozen=True)
class GateRule:
    """One rule: its name, and the reasons it finds in a case, each with the rows that prove it."""

    name: Rule
    find: Callable[[Case], Iterable[tuple[str, tuple[str, ...]]]]

    def objections(self, case: Case) -> list[Objection]:
        """What the rule has against a candidate."""
        return [Objection(self.name, reason, rows) for reason, rows in self.find(case)]


def _worse(case: Case) -> Found:
    for check in _failed(case):
        if check.topic not in (INTENTS, BUDGET) and check.name not in (BEST, OUTSIDE):
            yield f"significantly worse on {check.name}", check.rows


def _out_of_scope(case: Case) -> Found:
    for check in _failed(case, OUTSIDE):
        yield f"significantly worse on {check.name}: more of them are answered", check.rows


def _worse_than_best(case: Case) -> Found:
    for check in _failed(case, BEST):
        yield "significantly worse than the best version of the last 30 nights", check.rows


def _intent(case: Case) -> Found:
    for check in _failed(case):
        if check.topic == INTENTS:
            yield f"intent {check.name} worked and no longer does", check.rows


def _right_to_wrong(case: Case) -> Found:
    for check in _failed(case, BUDGET):
        reason = (
            f"{100 * share_lost(case.comparison):.0f}% of the rows that were right turn wrong; "
            f"{100 * case.limits.flips:.0f}% are allowed, whatever is gained"
        )
        yield reason, check.rows


def _failed(case: Case, name: str | None = None) -> list[Check]:
    return [check for check in case.comparison.failed if name in (None, check.name)]


def _no_gain(case: Case) -> Found:
    """A new encoder must gain more labelled rows than it loses; a tie keeps it out. Coverage moves with every fit of
    the thresholds and is no gain."""
    found = case.comparison
    if case.needs_gain and found.net <= 0:
        yield f"no net gain ({found.gained} rows gained, {found.lost} lost)", found.lost_rows


def _golden(case: Case) -> Found:
    """Golden phrases that were kept and no longer are. One that is broken already is no reason to keep what breaks
    it."""
    for golden in case.golden:
        if _kept(golden.phrase, golden.before) and not _kept(golden.phrase, golden.after):
            yield _broken_promise(golden.phrase, golden.after), (f"golden:{golden.phrase.id}",)


def _kept(phrase: GoldenPhrase, decision: Decision) -> bool:
    return decision.kind != DecisionKind.ANSWER if phrase.intent is None else decision.intents == (phrase.intent,)


def _broken_promise(phrase: GoldenPhrase, decision: Decision) -> str:
    now = f"answered with {' and '.join(decision.intents)}" if decision.intents else f"met with a {decision.kind}"
    wanted = "never be answered" if phrase.intent is None else f"always be answered with {phrase.intent}"
    return f"golden phrase {phrase.id} must {wanted} and would be {now}"


def _fairness(case: Case) -> Found:
    """Two groups are served too unequally: the whole interval of their difference says so."""
    if (most := case.limits.gap) is None:
        return
    for result in case.slices:
        for metric, words in _METRICS.items():
            found = getattr(result, metric)
            if max(found.low, -found.high) > most:
                reason = (
                    f"{result.slice}: {words} differs by {100 * abs(found.change):.0f} points between "
                    f"{' and '.join(result.sides)} (95% interval {100 * found.low:+.0f} to {100 * found.high:+.0f}); "
                    f"at most {100 * most:.0f} are allowed"
                )
                yield reason, ()


def _relabelled(case: Case) -> Found:
    """Of the texts that mean another intent than before, significantly more are taken for the old one."""
    from scipy.stats import binom

    old = [change for change in case.relabelled if change.taken_for in change.before]
    new = sum(change.taken_for == change.now for change in case.relabelled)
    if old and float(binom.sf(len(old) - 1, len(old) + new, 0.5)) <= RELABELLED_LEVEL:
        reason = (
            f"of {len(case.relabelled)} texts that mean another intent than before, {len(old)} are taken for the old "
            f"one by a model that never learnt them, {new} for the new one"
        )
        yield reason, tuple(change.row for change in old)


def _slower(case: Case) -> Found:
    if case.cost is not None:
        (before, after), bound = case.cost.seconds, case.limits.slowdown
        if after > bound * before and after - before > NOTICEABLE:
            times = f"{1000 * before:.1f} ms a message before, {1000 * after:.1f} ms now"
            yield f"{after / before:.1f} times slower ({times}); {bound:g} times is allowed", ()


def _larger(case: Case) -> Found:
    """What is loaded to serve is too large for as many phrasings."""
    if case.cost is not None:
        before, after = case.cost.size
        bound = case.limits.growth * max(1.0, case.cost.phrasings)
        if after > bound * before:
            sizes = f"{before / 1e6:.1f} MB before, {after / 1e6:.1f} MB now"
            yield f"{after / before:.1f} times larger ({sizes}); {bound:.3g} times is allowed", ()


RULES = (
    GateRule(Rule.WORSE, _worse),
    GateRule(Rule.OUT_OF_SCOPE, _out_of_scope),
    GateRule(Rule.WORSE_THAN_BEST, _worse_than_best),
    GateRule(Rule.INTENT, _intent),
    GateRule(Rule.RIGHT_TO_WRONG, _right_to_wrong),
    GateRule(Rule.SLOWER, _slower),
    GateRule(Rule.LARGER, _larger),
    GateRule(Rule.GOLDEN, _golden),
    GateRule(Rule.FAIRNESS, _fairness),
    GateRule(Rule.RELABELLED, _relabelled),
    GateRule(Rule.INTENT, silenced),
    GateRule(Rule.CONTRACT, contract),
    GateRule(Rule.COVERAGE, coverage),
    GateRule(Rule.CHANGED, changed),
    GateRule(Rule.LOOSENED, loosened),
    GateRule(Rule.NO_GAIN, _no_gain),
)
