"""The labelling desk: one message a card, one key a label. Works without JavaScript."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user, login_required
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.errors import BadInputError, HelpdeskError
from helpdesk.records import audit, faq, labels, names, nights, queue, splits, versions
from helpdesk.records.clock import now
from helpdesk.records.night_report import DecisionSummary
from helpdesk.records.queue import QueueItem
from helpdesk.records.shared_texts import shared_texts
from helpdesk.records.tables import Version
from helpdesk.serving.entries import FaqEntry
from helpdesk.text import normalise, text_key, visible
from helpdesk.web.context import service
from helpdesk.web.staff.banner import as_banner
from helpdesk.web.staff.changes import change_note

SUGGESTIONS = 5
FOUND = 4
SIDE_LIST = 30
AUDIT = "audit"
TABS = {
    "": "All",
    DecisionKind.CLARIFY: "Unsure",
    DecisionKind.FALLBACK: "No answer",
    DecisionReason.LANGUAGE: "Other language",
    DecisionKind.ANSWER: "Low confidence",
    AUDIT: "Audit",
}
REASONS = {
    DecisionReason.UNSURE: "No FAQ was likely enough, so it was handed over.",
    DecisionReason.LANGUAGE: "It is in a language that neither the FAQ nor the encoder know, so it was handed over.",
    DecisionReason.BETWEEN: "Several FAQs were close, so it asked which one was meant.",
    DecisionReason.SHARED_TEXT: "Several FAQs have this text, or nearly, so it asked which one was meant.",
    DecisionReason.TWO_QUESTIONS: "Two questions were found in it, and both answered.",
    DecisionReason.THREE_QUESTIONS: "Three questions were found in it, and all answered.",
    DecisionReason.SENTENCE: "One of its sentences was answered; the whole was not clear.",
    DecisionReason.CONFIDENT: "It was answered, but with little confidence.",
    DecisionReason.NEW_PHRASING: "It was answered from a phrasing added today.",
    DecisionReason.NO_ANSWER: "The FAQ that fits has no answer yet, so it was handed over.",
    DecisionReason.NO_VERSION: "No trained version was in service.",
    DecisionReason.NONE_OF_THESE: "None of the offered FAQs was chosen.",
    DecisionReason.KNOWN_OUT_OF_SCOPE: "It was labelled as none of the FAQs before.",
    DecisionReason.ASKED: "The person asked for a person, so it was handed over.",
    DecisionReason.GREETING: "It was greeted back.",
    DecisionReason.THANKS: "It says thanks, and got a short reply.",
    DecisionReason.GOODBYE: "It says goodbye, and got a short reply.",
    DecisionReason.INSULT: "It is an insult, and got a short reply.",
    DecisionReason.SETTLED: "It says that a matter is settled, and got a short reply.",
    DecisionReason.BOT_QUESTION: "It asks whether this is a bot, and got a short reply.",
    DecisionReason.YES: "It says yes to nothing that was asked, and got a short reply.",
    DecisionReason.NO: "It says no to nothing that was asked, and got a short reply.",
}
blueprint = Blueprint("desk", __name__, url_prefix="/desk")


@dataclass(frozen=True)
class Choice:
    """One FAQ that a key can choose; `origin` is shown where there is no confidence, `understood` is the part of the
    message that was taken to ask it."""

    slug: str
    question: str
    confidence: float | None = None
    nearest: str | None = None
    origin: str = "found"
    understood: str | None = None


@blueprint.get("")
@login_required
def page() -> str:
    """The card of one message, and the queue beside it."""
    kind = request.args.get("kind", "")
    wanted = request.args.get("item", type=int)
    query = request.args.get("q", "")
    audited = kind == AUDIT
    with service().database.read() as session:
        waiting = _waiting(session, kind)
        lengths = _lengths(session)
        item = queue.find_item(session, wanted) if wanted else (waiting[0] if waiting else None)
        blind = audited or (item is not None and item.said is not None)
        choices = (_blind_choices if blind else _choices)(session, item) if item else []
        change = None if audited else _change(session, item)
        pending = _pending(session)
        night = nights.last_night(session)
    found = _search(query, {choice.slug for choice in choices}) if query.strip() else []
    return render_template(
        "desk.html",
        item=item,
        waiting=waiting,
        lengths=lengths,
        choices=[*choices, *found],
        query=query,
        kind=kind,
        blind=blind,
        change=change,
        night=as_banner(night) if night else None,
        tabs=TABS,
        reasons=REASONS,
        pending=pending,
        visible=visible,
        next_id=_neighbour(waiting, item, 1),
        previous_id=_neighbour(waiting, item, -1),
    )


@blueprint.post("/<int:message_id>/label")
@login_required
def label(message_id: int) -> Response:
    """Label one message and go on to the next."""
    meaning, _, slug = request.form.get("label", "").partition(":")
    known = _neighbours(message_id)
    with service().database.write() as session:
        labels.label_message(
            session,
            message_id,
            kind=meaning,
            intent=slug or None,
            staff_id=current_user.staff_id,
            holdout_share=service().settings.holdout_share,
            known=known,
        )
    return _onward(f"Labelled as {slug or _PLAIN.get(meaning, meaning)}.")


@blueprint.post("/<int:message_id>/faq")
@login_required
def new_faq(message_id: int) -> Response:
    """Make a new FAQ of a message; without an answer it stays a draft until somebody writes one."""
    question, answer = request.form.get("question", ""), request.form.get("answer", "")
    if len(question) > faq.MAX_PHRASING:
        raise BadInputError(f"the question has {len(question)} characters; expected at most {faq.MAX_PHRASING}")
    known = _neighbours(message_id)
    with service().database.write() as session:
        intent = faq.create_intent(session, question, answer=answer, author=current_user.name)
        labels.label_message(
            session,
            message_id,
            kind="intent",
            intent=intent.slug,
            staff_id=current_user.staff_id,
            holdout_share=service().settings.holdout_share,
            known=known,
        )
        shared = shared_texts(session, [intent.slug])
    word = "published" if intent.status == "published" else "saved as a draft, it needs an answer"
    told = [f"{visible(text.sentence())}." for text in shared]
    return _onward(" ".join([f"New FAQ {intent.slug} is {word}.", *told]))


@blueprint.post("/undo")
@login_required
def undo() -> Response:
    """Take back one's own newest label and show its message again."""
    try:
        with service().database.write() as session:
            message_id = labels.undo_last(session, staff_id=current_user.staff_id).message_id
    except HelpdeskError as error:
        flash(str(error))
        return redirect(url_for("desk.page"), 303)
    flash("Undone.")
    return redirect(url_for("desk.page", item=message_id, kind=request.args.get("kind") or None), 303)


_PLAIN = {"out_of_scope": "none of our FAQs", "skip": "skipped"}


def _neighbours(message_id: int) -> splits.NearbyTexts | None:
    with service().database.read() as session:
        return labels.read_neighbours(session, message_id)


def _onward(said: str) -> Response:
    flash(said)
    return redirect(url_for("desk.page", kind=request.args.get("kind") or None), 303)


def _waiting(session: Session, kind: str) -> list[QueueItem]:
    if kind == AUDIT:
        return audit.audit_queue(session, since=now() - audit.AUDIT_WINDOW, limit=SIDE_LIST)
    return queue.items(session, review_below=service().settings.review_below, limit=SIDE_LIST, kind=kind or None)


def _lengths(session: Session) -> dict[str, int]:
    """How many texts wait under each tab; the audit sample overlaps the others, so it is not added to all of them."""
    lengths = queue.queue_lengths(session, review_below=service().settings.review_below)
    audited = audit.audit_queue_length(session, since=now() - audit.AUDIT_WINDOW)
    return lengths | {"": sum(lengths.values()), AUDIT: audited}


def _blind_choices(session: Session, item: QueueItem) -> list[Choice]:
    """Likely FAQs in an order that tells nothing, and always as many: neither the decision nor its confidence shows."""
    logged = [row["intent"] for row in item.ranking]
    live = [entry.slug for entry in _similar(item.text, SUGGESTIONS)]
    questions = _questions(session, [*logged, *live, item.said or ""])
    slugs = [slug for slug in dict.fromkeys([*logged, *live]) if slug in questions][:SUGGESTIONS]
    if item.said in questions and item.said not in slugs:
        slugs[-1:] = [item.said]
    slugs.sort(key=lambda slug: text_key(f"{item.message_id}:{slug}"))
    return [Choice(slug, questions[slug]) for slug in slugs]


def _choices(session: Session, item: QueueItem) -> list[Choice]:
    """The top suggestions of the decision that was made, with the text of the nearest phrasing.

    What last night's candidate would answer instead is among them.
    """
    rows = item.ranking[:SUGGESTIONS]
    texts = labels.texts_of(session, [row["nearest"] for row in rows if row["nearest"]])
    changed = item.change.after["intent"] if item.change else None
    questions = _questions(session, [*(row["intent"] for row in rows), changed or ""])
    choices = [
        Choice(
            row["intent"],
            questions[row["intent"]],
            row["confidence"],
            texts.get(row["nearest"] or ""),
            understood=row.get("understood"),
        )
        for row in rows
        if row["intent"] in questions
    ]
    if changed in questions and changed not in {choice.slug for choice in choices}:
        choices.insert(1, Choice(changed, questions[changed], origin="new"))
    return choices


def _change(session: Session, item: QueueItem | None) -> str | None:
    """Why somebody should look again, or what last night's candidate would do otherwise, in words."""
    if item is not None and item.said is not None:
        said = _questions(session, [item.said]).get(item.said, item.said)
        return f"It was labelled “{said}”, and something speaks against it. Say so again, or what else it means."
    if item is None or item.change is None:
        return None
    before, after = (DecisionSummary.model_validate(said) for said in (item.change.before, item.change.after))
    return change_note(before, after, _questions(session, [str(before.intent), str(after.intent)]))


def _questions(session: Session, slugs: Sequence[str]) -> dict[str, str]:
    known = names.questions(session)
    return {slug: known[slug] for slug in slugs if slug in known}


def _search(query: str, shown: set[str]) -> list[Choice]:
    """FAQs by meaning, and by the letters of their question."""
    live = service().live.take()
    words = normalise(query)
    lettered = [entry for entry in live.faq.values() if words in normalise(entry.question)] if live and words else []
    similar = _similar(query, FOUND + len(shown))
    unique = {entry.slug: entry for entry in [*lettered, *similar] if entry.slug not in shown}
    return [Choice(entry.slug, entry.question) for entry in list(unique.values())[:FOUND]]


def _similar(text: str, limit: int) -> list[FaqEntry]:
    """FAQs by meaning; none while no version serves."""
    if service().live.take() is None or not normalise(text):
        return []
    return [entry for entry, _ in service().search(text, limit=limit)[0]]


def _pending(session: Session) -> int:
    """Labels that tonight's run will learn from."""
    serving = versions.current(session)
    version = session.get(Version, serving.version_id) if serving else None
    return labels.labels_since(session, version.created_at if version else None)


def _neighbour(waiting: Sequence[QueueItem], item: QueueItem | None, step: int) -> int | None:
    ids = [queued.message_id for queued in waiting]
    if item is None or item.message_id not in ids:
        return ids[0] if ids else None
    position = ids.index(item.message_id) + step
    return ids[position] if 0 <= position < len(ids) else None
