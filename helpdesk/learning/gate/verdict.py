"""Is a candidate better, nowhere worse? What every rule found, put together into one verdict. Pure."""

from dataclasses import dataclass, field, replace

from helpdesk.learning.gate.case import Case
from helpdesk.learning.gate.paired_tests import Comparison, compare, nearest_new
from helpdesk.learning.gate.replay import Replay
from helpdesk.learning.gate.rules import RULES, Objection
from helpdesk.records.night_report import VerdictReport


@dataclass(frozen=True)
class Verdict:
    """What to do with one candidate, and why in words; replay: what it would change for people.

    blamed: when a refreshed candidate is refused, the new rows nearest to what it lost.
    """

    promote: bool
    reasons: tuple[str, ...]
    comparison: Comparison
    blamed: tuple[str, ...] = ()
    objections: tuple[Objection, ...] = field(default=(), repr=False)
    replay: Replay | None = field(default=None, repr=False)

    def report(self) -> VerdictReport:
        """For a report."""
        return VerdictReport(
            promote=self.promote,
            reasons=self.reasons,
            blamed=self.blamed,
            comparison=self.comparison.report(),
            objections=tuple(objection.report() for objection in self.objections),
            replay=None if self.replay is None else self.replay.report(),
        )

    def against(self, objection: Objection) -> "Verdict":
        """The verdict with something else that speaks against a candidate that no rule objects to."""
        if not self.promote:
            return self
        return replace(self, promote=False, reasons=(objection.reason,), objections=(objection,))


def judge(case: Case) -> Verdict:
    """Promote unless a rule objects."""
    found = case.comparison
    objections = tuple(objection for rule in RULES for objection in rule.objections(case))
    if not objections:
        gain = f"{found.gained} rows gained, {found.lost} lost"
        reason = gain if case.needs_gain else "not worse than the version in service"
        return Verdict(True, (reason,), found, replay=case.replay)
    blamed = () if case.needs_gain else tuple(nearest_new(found.lost_rows, case.after, known=case.known))
    return Verdict(False, _reasons(objections), found, blamed, objections, case.replay)


def refuse(*objections: Objection) -> Verdict:
    """The verdict on what could not even be measured."""
    return Verdict(False, _reasons(objections), compare({}, {}), objections=objections)


def _reasons(objections: tuple[Objection, ...]) -> tuple[str, ...]:
    return tuple(objection.reason for objection in objections)
