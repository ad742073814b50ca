"""What is done to a whole FAQ entry: publish, archive, rename, merge, delete. Each form names the version it saw."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as AnyResponse

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, faq_delete, faq_edit, faq_history, faq_list, names
from helpdesk.records.clock import now
from helpdesk.records.faq_edit import EditedMeanwhileError
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent
from helpdesk.text import slugify, visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import ago
from helpdesk.web.staff.faq_entry import saw

_ANNOUNCED = {"published": "Published.", "draft": "It is a draft now.", "archived": "Archived."}
blueprint = Blueprint("faq_states", __name__, url_prefix="/desk/faq")


@blueprint.post("/<int:entry_id>/state")
@requires(Role.EDITOR)
def change(entry_id: int) -> AnyResponse:
    """Publish, unpublish, archive or restore."""
    status = request.form.get("status", "")
    if status not in _ANNOUNCED:
        raise BadInputError(f"state {status!r:.40}; expected one of {', '.join(_ANNOUNCED)}")
    with service().database.write() as session:
        entry = _find(session, entry_id)
        faq_edit.change_state(session, entry, status, seen=saw(request.form), author=current_user.name)
    flash(_ANNOUNCED[status])
    return back(entry_id)


@blueprint.post("/<int:entry_id>/rename")
@requires(Role.EDITOR)
def rename(entry_id: int) -> AnyResponse:
    """Give an entry another short name; it keeps the old one too."""
    with service().database.write() as session:
        entry = _find(session, entry_id)
        wanted = request.form.get("name", "")
        try:
            if slugify(wanted) != entry.slug:
                faq_edit.require_seen(session, entry, saw(request.form))
                names.rename(session, entry, wanted, author=current_user.name)
            flash(f"Its name is {entry.slug} now.")
        except EditedMeanwhileError:
            raise
        except (BadInputError, ConflictError) as error:
            session.rollback()
            flash(f"Not renamed: {error}", "warning")
    return back(entry_id)


@blueprint.get("/<int:entry_id>/merge")
@requires(Role.EDITOR)
def merge_form(entry_id: int) -> Response:
    """Which other entry it becomes a part of."""
    return _about(entry_id, "faq_merge.html", into=request.args.get("into", ""))


@blueprint.post("/<int:entry_id>/merge")
@requires(Role.EDITOR)
def merge(entry_id: int) -> AnyResponse:
    """Make it a part of another entry, whose question and answer stay."""
    into = request.form.get("into", "")
    try:
        with service().database.write() as session:
            source, target = _find(session, entry_id), faq.find_intent(session, into)
            faq_edit.require_seen(session, source, saw(request.form))
            gone, kept = source.question, target.id
            names.merge(session, source, target, author=current_user.name)
    except EditedMeanwhileError:
        raise
    except (ConflictError, NotFoundError) as error:
        return _about(entry_id, "faq_merge.html", into=into, problem=str(error), status=409)
    flash(visible(f"“{gone}” is part of this entry now."))
    return redirect(url_for("faq_entry.page", entry_id=kept), 303)


@blueprint.get("/<int:entry_id>/delete")
@requires(Role.EDITOR)
def delete_form(entry_id: int) -> Response:
    """What names the entry, and where its labels shall go."""
    return _about(entry_id, "faq_delete.html", into="")


@blueprint.post("/<int:entry_id>/delete")
@requires(Role.EDITOR)
def delete(entry_id: int) -> AnyResponse:
    """Delete it; what was deleted before stays so."""
    to = request.form.get("labels_to", "").strip()
    try:
        with service().database.write() as session:
            entry = faq_edit.find_entry(session, entry_id, deleted=True)
            if entry.status != "deleted":
                target = faq.find_intent(session, to) if to else None
                faq_delete.delete_entry(
                    session, entry, labels_to=target, seen=saw(request.form), author=current_user.name
                )
            question = entry.question
    except EditedMeanwhileError:
        raise
    except (BadInputError, NotFoundError) as error:
        return _about(entry_id, "faq_delete.html", into=to, problem=str(error), status=409)
    flash(visible(f"“{question}” is deleted."))
    return redirect(url_for("faq_list.page"), 303)


def edited_meanwhile(error: EditedMeanwhileError) -> Response:
    """Nothing was done; the person sees what was changed meanwhile and chooses."""
    with service().database.read() as session:
        changes = faq_history.history(session, error.intent.id, limit=1)
    sent = [(name, value) for name, value in request.form.items(multi=True) if name not in ("csrf_token", "seen")]
    page = render_template(
        "faq_meanwhile.html",
        entry=error.intent,
        change=changes[0] if changes else None,
        sent=sent,
        seen=error.newest,
        action=request.full_path.rstrip("?"),
        ago=lambda moment: ago(now() - moment),
        visible=visible,
    )
    return make_response(page, 409)


blueprint.register_error_handler(EditedMeanwhileError, edited_meanwhile)


def back(entry_id: int) -> AnyResponse:
    """The page that a button was on."""
    if request.args.get("from") == "check":
        return redirect(url_for("faq_check.page"), 303)
    return redirect(url_for("faq_entry.page", entry_id=entry_id), 303)


def _find(session: Session, entry_id: int) -> Intent:
    return faq_edit.find_entry(session, entry_id)


def _about(entry_id: int, template: str, *, into: str, problem: str | None = None, status: int = 200) -> Response:
    """A page that asks before something is done to an entry."""
    with service().database.read() as session:
        entry = _find(session, entry_id)
        page = render_template(
            template,
            entry=entry,
            uses=faq_delete.uses(session, entry),
            seen=faq_history.newest(session, entry.id),
            others=[(slug, question) for slug, question in faq_list.entry_names(session) if slug != entry.slug],
            into=into,
            problem=problem,
            visible=visible,
        )
    return make_response(page, status)
