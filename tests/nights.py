"""A night's report, planted: what the command line and the report page show of it."""

from typing import Any

from helpdesk.learning.gate.paired_tests import Outcome
from helpdesk.learning.gate.side_by_side import Column, explain
from helpdesk.records.candidate_report import CandidateReport, Levels, ScorerReport, ThresholdsReport
from helpdesk.records.night_report import DecisionSummary, FlipReport, NightReport
from helpdesk.text import normalise, text_key

RESULTS = CandidateReport(
    thresholds=ThresholdsReport(
        thresholds=Levels(answer=0.8, clarify=0.9), coverage=0.7, answered=70, wrong_rate=0.041
    ),
    scorer=ScorerReport(expected_calibration_error=0.023),
)


def outcomes(**rows: str) -> dict[str, Outcome]:
    """One row an argument, as `meant>chosen`; an empty meaning is out of scope."""
    pairs = {row: tuple(what.split(">")) for row, what in rows.items()}
    return {row: Outcome(meant, meant == chosen, chosen or None) for row, (meant, chosen) in pairs.items()}


BEFORE = outcomes(a="vpn>wifi", b="vpn>wifi", c="vpn>vpn", d="wifi>wifi", e="wifi>wifi", f=">vpn", gone="vpn>vpn")
AFTER = outcomes(a="vpn>vpn", b="vpn>vpn", c="vpn>vpn", d="wifi>vpn", e="wifi>wifi", f=">", new="vpn>vpn")


def answer(intent: str | None, kind: str = "answer") -> DecisionSummary:
    """A decision as a flip has it."""
    return DecisionSummary(kind=kind, intent=intent, confidence=0.9)


def flip(text: str, count: int, **more: Any) -> FlipReport:
    """A text that `vpn` was answered to, and `wifi` would be."""
    key = text_key(normalise(text))
    found = {"text": text, "text_key": key, "count": count, "before": answer("vpn"), "after": answer("wifi")}
    return FlipReport.model_validate({**found, **more})


def night_report(started: str, *flips: FlipReport) -> NightReport:
    """Refreshed was promoted, retrained refused; with these flips in both replays."""
    replay: dict[str, Any] = {
        "messages": 1200,
        "distinct": 300,
        "changed_share": 0.05,
        "unsettled_share": 0.012,
        "gained": 4,
    }
    replay |= {"coverage_before": 0.7, "coverage_after": 0.72, "right_to_wrong": 1, "flips": list(flips)}
    sides = [
        Column("incumbent", BEFORE, RESULTS),
        Column("refreshed", AFTER, RESULTS, before=BEFORE),
        Column("retrained", BEFORE, before=AFTER, against="refreshed"),
    ]
    refreshed = {"promote": True, "reasons": ["not worse than the version in service"], "blamed": [], "replay": replay}
    retrained = {"promote": False, "reasons": ["intent vpn worked and no longer does", "no net gain"], "blamed": []}
    rows = ["message:1", "phrasing:1", "message:998"]
    retrained["objections"] = [
        {"rule": "intent", "reason": "intent vpn worked and no longer does", "rows": rows},
        {"rule": "no_gain", "reason": "no net gain", "rows": []},
    ]
    verdicts = {"refreshed": refreshed, "retrained": retrained}
    return NightReport.model_validate({"started": started, "explanation": explain(sides), "verdicts": verdicts})
