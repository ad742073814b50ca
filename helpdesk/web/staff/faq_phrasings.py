"""The phrasings and labels of an FAQ entry: removed one by one, or moved into an entry of their own."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import faq, faq_delete, faq_edit, faq_history
from helpdesk.records.faq_edit import EditedMeanwhileError
from helpdesk.records.roles import Role
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.attempts import Attempt, shows_again
from helpdesk.web.staff.faq_entry import Fields, saw, typed_entry
from helpdesk.web.staff.faq_states import back, edited_meanwhile

MOST_LABELS = 500
SPLIT_FIELDS = ("question", "answer", "phrasing", "label", "seen")
blueprint = Blueprint("faq_phrasings", __name__, url_prefix="/desk/faq")
blueprint.register_error_handler(EditedMeanwhileError, edited_meanwhile)


@blueprint.post("/<int:entry_id>/phrasings/<int:phrasing_id>/remove")
@requires(Role.EDITOR)
def remove(entry_id: int, phrasing_id: int) -> AnyResponse:
    """Take one phrasing away."""
    with service().database.write() as session:
        entry = faq_edit.find_entry(session, entry_id)
        number, text = phrasing_id, request.form.get("text", "")
        removed = faq_edit.remove_phrasing(session, entry, number, text=text, author=current_user.name)
    flash(visible(f"Removed “{text}”." if removed else f"“{text}” was removed already."))
    return back(entry_id)


@blueprint.post("/<int:entry_id>/labels/<int:label_id>/remove")
@requires(Role.EDITOR)
def remove_label(entry_id: int, label_id: int) -> AnyResponse:
    """Take one label back, whoever gave it; its message waits to be labelled again."""
    with service().database.write() as session:
        entry = faq_edit.find_entry(session, entry_id)
        label = faq_delete.take_label(session, entry, label_id, author=current_user.name)
        said = "That label was taken back already." if label is None else f"“{label.text}” waits to be labelled again."
    flash(visible(said))
    return back(entry_id)


@blueprint.get("/<int:entry_id>/split")
@requires(Role.EDITOR)
def split_form(entry_id: int) -> Response:
    """What moves into which new entry."""
    return _split_page(entry_id, MultiDict())


@blueprint.post("/<int:entry_id>/split")
@requires(Role.EDITOR)
def split(entry_id: int) -> AnyResponse:
    """Move what is ticked into a new entry."""
    try:
        with service().database.write() as session:
            entry = faq_edit.find_entry(session, entry_id)
            new = faq_edit.split(
                session,
                entry,
                typed_entry(MultiDict({**request.form.to_dict(), "locale": entry.locale})),
                phrasings=_ticked("phrasing"),
                labels=_ticked("label"),
                seen=saw(request.form),
                author=current_user.name,
            )
            made, word = new.id, "" if new.status == "published" else " It is a draft."
    except EditedMeanwhileError:
        raise
    except (BadInputError, ConflictError) as error:
        status = 400 if isinstance(error, BadInputError) else 409
        return _split_page(entry_id, request.form, problem=str(error), status=status)
    flash(f"Split off.{word}")
    return redirect(url_for("faq_entry.page", entry_id=made), 303)


@shows_again("faq_phrasings.split", fields=SPLIT_FIELDS)
def _again(attempt: Attempt, why: str, status: int) -> Response:
    return _split_page(attempt.arguments["entry_id"], attempt.fields, problem=why, status=status)


def _split_page(entry_id: int, typed: Fields, *, problem: str | None = None, status: int = 200) -> Response:
    with service().database.read() as session:
        entry = faq_edit.find_entry(session, entry_id)
        page = render_template(
            "faq_split.html",
            entry=entry,
            phrasings=list(entry.phrasings),
            labels=faq_delete.labels_of(session, entry, limit=MOST_LABELS),
            seen=row_id(typed.get("seen")) or faq_history.newest(session, entry.id),
            typed=typed,
            ticked={(name, value) for name in ("phrasing", "label") for value in typed.getlist(name)},
            problem=problem,
            longest=faq.MAX_PHRASING,
            visible=visible,
        )
    return make_response(page, status)


def _ticked(name: str) -> set[int]:
    found = [row_id(value) for value in request.form.getlist(name)]
    return {number for number in found if number is not None}
