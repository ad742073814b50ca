"""The box in which a message is tried: what would be answered now."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from sqlalchemy import select

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.errors import BadInputError
from helpdesk.matching.decide import Decision
from helpdesk.records.labels import texts_of
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires

RANKING_SHOWN = 5
_OUTCOMES = {
    DecisionKind.ANSWER: "Would be answered",
    DecisionKind.CLARIFY: "Would be asked which one is meant",
    DecisionKind.FALLBACK: "Would not be answered",
    DecisionKind.HANDOFF: "Would be handed over",
    DecisionKind.SMALLTALK: "Would get a short reply to small talk",
}
WHYS = {
    DecisionReason.EXACT: "this very text is known",
    DecisionReason.SHARED_TEXT: "several entries have this text, or nearly",
    DecisionReason.NEW_PHRASING: "it is nearly a phrasing that was added today",
    DecisionReason.NO_ANSWER: "the entry that fits has no answer yet",
    DecisionReason.NO_VERSION: "no version serves yet",
    DecisionReason.UNSURE: "no entry is likely enough",
    DecisionReason.BETWEEN: "several entries are close",
    DecisionReason.LANGUAGE: "it is in a language that nobody taught",
    DecisionReason.ASKED: "it asks for a person",
    DecisionReason.KNOWN_OUT_OF_SCOPE: "it was labelled as none of the FAQs",
    DecisionReason.EMPTY: "it has no letters or digits",
}
blueprint = Blueprint("faq_try", __name__, url_prefix="/desk/faq")


@dataclass(frozen=True)
class TriedEntry:
    """One entry of the ranking. chosen: it would be answered, or be one of the choices."""

    id: int
    question: str
    slug: str
    confidence: float
    nearest: str | None
    chosen: bool


@dataclass(frozen=True)
class Tried:
    """What would be said to a text now, in words, and the entries that fit best."""

    verdict: str
    why: str
    answer: str
    entries: tuple[TriedEntry, ...] = ()


@blueprint.get("/try")
@requires(Role.VIEWER)
def fragment() -> str:
    """The same as on the page, without the page."""
    text = request.args.get("try", "")
    return render_template("faq_try.html", tried=tried(text) if text.strip() else None, text=text, visible=visible)


def tried(text: str) -> Tried:
    """Decide a text as the chat would; nothing is logged."""
    try:
        decision, version = service().match(text)
    except BadInputError as error:
        return Tried("This cannot be tried", str(error), "")
    if version is None:
        return Tried("Nothing is answered yet", "no version serves; `helpdesk retrain` builds one", "")
    return _in_words(decision)


def _in_words(decision: Decision) -> Tried:
    rows = decision.ranking[:RANKING_SHOWN]
    with service().database.read() as session:
        texts = texts_of(session, [row.nearest for row in rows if row.nearest])
        found = session.scalars(select(Intent).where(Intent.slug.in_({row.intent for row in rows})))
        entries = {intent.slug: intent for intent in found}
    chosen = {*decision.intents, *decision.options}
    answer = "\n\n".join(entries[slug].answer for slug in decision.intents if slug in entries)
    return Tried(
        _OUTCOMES[decision.kind],
        WHYS.get(decision.reason, ""),
        answer,
        tuple(
            TriedEntry(
                entries[row.intent].id,
                entries[row.intent].question,
                row.intent,
                row.confidence,
                texts.get(row.nearest or ""),
                row.intent in chosen,
            )
            for row in rows
            if row.intent in entries
        ),
    )
