"""What another version would decide, in words."""

from collections.abc import Mapping

from helpdesk.decisions import DecisionKind
from helpdesk.records.night_report import DecisionSummary

_DO: dict[str, str] = {
    DecisionKind.CLARIFY: "ask which FAQ is meant",
    DecisionKind.FALLBACK: "hand it over",
    DecisionKind.HANDOFF: "hand it over",
    DecisionKind.SMALLTALK: "take it for small talk",
}
_DOING: dict[str, str] = {
    DecisionKind.CLARIFY: "asking which FAQ is meant",
    DecisionKind.FALLBACK: "handing it over",
    DecisionKind.HANDOFF: "handing it over",
    DecisionKind.SMALLTALK: "taking it for small talk",
}
_SHORT: dict[str, str] = {
    DecisionKind.CLARIFY: "asks back",
    DecisionKind.FALLBACK: "hands over",
    DecisionKind.HANDOFF: "hands over",
    DecisionKind.SMALLTALK: "takes it for small talk",
}


def change_note(before: DecisionSummary, after: DecisionSummary, questions: Mapping[str, str]) -> str:
    """One sentence; FAQs are named by their question."""
    if before.kind == after.kind == DecisionKind.ANSWER and before.intent == after.intent:
        return f"Both models answer {_quoted(after, questions)} first, but not the same second question in it."
    would = _DO.get(after.kind) or f"answer {_quoted(after, questions)}"
    if before.kind == after.kind == DecisionKind.ANSWER:
        return f"The new model would {would} instead of {_quoted(before, questions)}. Which is right?"
    instead = _DOING.get(before.kind) or f"answering {_quoted(before, questions)}"
    return f"The new model would {would} instead of {instead}. Which is right?"


def said(decision: DecisionSummary, questions: Mapping[str, str]) -> str:
    """A decision in a few words."""
    return _SHORT.get(decision.kind) or _quoted(decision, questions)


def _quoted(decision: DecisionSummary, questions: Mapping[str, str]) -> str:
    slug = decision.intent or ""
    return f"“{questions.get(slug, slug)}”"
