"""What the forms of the labelling desk do. Each names its message and what its card showed."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import faq, labels, splits
from helpdesk.records import undo as undoing
from helpdesk.records.asked_texts import FLAGGED, PUT_OFF
from helpdesk.records.clock import now
from helpdesk.records.labels import LabelledMeanwhileError
from helpdesk.records.new_faq import label_with_new_faq
from helpdesk.records.roles import Role
from helpdesk.records.shared_texts import shared_texts
from helpdesk.records.tables import Label
from helpdesk.records.undo import LabelledSinceError
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.attempts import Offer, show_again, this_attempt
from helpdesk.web.staff.banner import ago

_SAID = {
    PUT_OFF: "Put off: it comes after the others, and is under “Later”.",
    FLAGGED: "Flagged for somebody else.",
}
blueprint = Blueprint("labelling", __name__, url_prefix="/desk")


@blueprint.post("/<int:message_id>/label")
@requires(Role.LABELLER)
def label(message_id: int) -> Response:
    """Label one message and go on to the next."""
    meaning, _, slug = request.form.get("label", "").partition(":")
    known, seen = _neighbours(message_id), _seen()
    with service().database.write() as session:
        given = labels.label_message(
            session,
            message_id,
            kind=meaning,
            intent=slug or None,
            staff_id=current_user.staff_id,
            holdout_share=service().settings.holdout_share,
            known=known,
            seen=seen,
            note=request.form.get("note"),
        )
        said = _SAID.get(given.kind, f"Labelled as {labels.words(given)}.")
    return _onward(given, said)


@blueprint.post("/<int:message_id>/faq")
@requires(Role.LABELLER)
def new_faq(message_id: int) -> Response:
    """Make a new FAQ of a message; without an answer it stays a draft until somebody writes one."""
    known, seen = _neighbours(message_id), _seen()
    try:
        with service().database.write() as session:
            given = _make_faq(session, message_id, known=known, seen=seen)
            published = given.intent is not None and given.intent.status == "published"
            word = "published" if published else f"saved as a draft, {_lacks(given)}"
            shared = shared_texts(session, [given.intent.slug]) if given.intent is not None else []
            told = [f"{visible(text.sentence())}." for text in shared]
            said = " ".join([f"New FAQ {labels.words(given)} is {word}.", *told])
    except LabelledMeanwhileError:
        raise
    except (BadInputError, ConflictError) as error:
        return _type_again(error)
    return _onward(given, said)


@blueprint.errorhandler(LabelledMeanwhileError)
def labelled_meanwhile(error: LabelledMeanwhileError) -> Response:
    """Nothing was written; the person sees what was said meanwhile and chooses."""
    attempt, found = this_attempt(), error.label
    who = "You" if found.staff_id == current_user.staff_id else found.staff.name
    back = ", and it was taken back since" if found.undone_at is not None else ""
    offer = Offer(
        title="Labelled meanwhile",
        detail=f"{who} labelled this {labels.words(found)} {ago(now() - found.created_at)}{back}.",
        send="Replace it with",
        keep="Keep it and go on",
        keep_url=url_for("desk.page", **attempt.place),
    )
    return show_again(attempt.having_seen(error.seen), offer, status=409)


@blueprint.post("/labels/<int:label_id>/undo")
@requires(Role.LABELLER)
def undo(label_id: int) -> Response:
    """Take back one of one's own labels, and show its message or the list that it was undone from."""
    with service().database.write() as session:
        undone = undoing.undo(session, label_id, staff_id=current_user.staff_id)
        said = f"Undone: {labels.words(undone.label)}."
    if undone.already:
        said = "That was undone already."
    flash(f"{said} The FAQ is a draft again." if undone.unpublished else said)
    if request.args.get("from") == "mine":
        return redirect(url_for("mine.page", before=row_id(request.args.get("before"))), 303)
    kind = request.args.get("kind") or None
    return redirect(url_for("desk.page", item=undone.label.message_id, kind=kind), 303)


@blueprint.errorhandler(LabelledSinceError)
def labelled_since(error: LabelledSinceError) -> tuple[str, int]:
    """What somebody said since counts; to undo the label below it would change nothing."""
    who = "You" if error.by.staff_id == current_user.staff_id else error.by.staff.name
    page = render_template(
        "labelled_since.html",
        text=visible(error.label.text),
        message_id=error.label.message_id,
        said=labels.words(error.label),
        since=f"{who} labelled this {labels.words(error.by)} {ago(now() - error.by.created_at)}",
    )
    return page, 409


def _make_faq(session: Session, message_id: int, *, known: splits.NearbyTexts | None, seen: int) -> Label:
    question = request.form.get("question", "")
    if len(question) > faq.MAX_PHRASING:
        raise BadInputError(f"the question has {len(question)} characters; expected at most {faq.MAX_PHRASING}")
    return label_with_new_faq(
        session,
        message_id,
        question=question,
        answer=request.form.get("answer", ""),
        staff_id=current_user.staff_id,
        holdout_share=service().settings.holdout_share,
        known=known,
        seen=seen,
        publish=current_user.role.may(Role.EDITOR),
    )


def _lacks(label: Label) -> str:
    """What a draft still needs."""
    answered = label.intent is not None and bool(label.intent.answer.strip())
    return "an editor can publish it" if answered else "it needs an answer"


def _type_again(error: BadInputError | ConflictError) -> Response:
    """The form of a new FAQ with what was typed, and what is wrong with it."""
    attempt = this_attempt()
    offer = Offer(
        title="Not saved yet",
        detail=f"{str(error)[:1].upper()}{str(error)[1:]}.",
        send="Label it as",
        keep="Look at the message again",
        keep_url=url_for("desk.page", item=attempt.message_id, **attempt.place),
    )
    return show_again(attempt, offer, status=409 if isinstance(error, ConflictError) else 400)


def _neighbours(message_id: int) -> splits.NearbyTexts | None:
    with service().database.read() as session:
        return labels.read_neighbours(session, message_id)


def _seen() -> int:
    """The newest label that the card knew of."""
    seen = row_id(request.form.get("seen"))
    if seen is None:
        raise BadInputError("this form is out of date; go back, reload the page and send it again")
    return seen


def _onward(given: Label, said: str) -> Response:
    """The next card, which can undo this label. A request that came late learns that its label is gone."""
    idle = given.superseded_by is not None and given.superseded_by < given.id
    if given.undone_at is None or idle:
        flash(said, str(given.id))
    else:
        flash("You had said that before, and it does not count any more. Nothing was changed.")
    return redirect(url_for("desk.page", kind=request.args.get("kind") or None), 303)
