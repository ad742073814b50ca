"""What FAQ entries were: the history of each with a way back, and what was deleted with the labels that are left."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import faq, faq_delete, faq_edit, faq_history, faq_list
from helpdesk.records.clock import now
from helpdesk.records.faq_edit import EditedMeanwhileError
from helpdesk.records.roles import Role
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.banner import ago
from helpdesk.web.staff.faq_entry import saw
from helpdesk.web.staff.faq_states import edited_meanwhile

VERSIONS_SHOWN = 20
DELETED_SHOWN = 100
STRANDED_SHOWN = 300
blueprint = Blueprint("faq_past", __name__, url_prefix="/desk/faq")
blueprint.register_error_handler(EditedMeanwhileError, edited_meanwhile)


@blueprint.get("/<int:entry_id>/history")
@requires(Role.VIEWER)
def page(entry_id: int) -> str:
    """Every change, newest first, with what was different."""
    before, merged = row_id(request.args.get("before")), request.args.get("of")
    with service().database.read() as session:
        entry = faq_edit.find_entry(session, entry_id, deleted=True)
        names = faq_history.merged_into(session, entry.id)
        if merged is not None and merged not in names:
            raise NotFoundError(f"{merged!r:.140} was not merged into this entry")
        changes = faq_history.history(session, entry.id, limit=VERSIONS_SHOWN + 1, before=before, merged=merged)
        newest = faq_history.newest(session, entry.id)
    shown = changes[:VERSIONS_SHOWN]
    return render_template(
        "faq_history.html",
        entry=entry,
        state=faq.state(entry),
        changes=shown,
        older=shown[-1].revision.id if len(changes) > VERSIONS_SHOWN else None,
        newest=newest,
        merged=merged,
        names=names,
        ago=lambda moment: ago(now() - moment),
        visible=visible,
    )


@blueprint.post("/<int:entry_id>/revert")
@requires(Role.EDITOR)
def revert(entry_id: int) -> Response:
    """Make an entry what it was in a version."""
    wanted = row_id(request.form.get("version")) or 0
    with service().database.write() as session:
        entry = faq_edit.find_entry(session, entry_id, deleted=True)
        restored = entry.status == "deleted"
        faq_edit.revert(session, entry, wanted, seen=saw(request.form), author=current_user.name)
    flash("It is back, as a draft." if restored else "It is as it was in that version.")
    return redirect(url_for("faq_entry.page", entry_id=entry_id), 303)


@blueprint.get("/labels-without-entry")
@requires(Role.VIEWER)
def deleted() -> str:
    """Entries that were deleted, and the labels that still name one of them."""
    with service().database.read() as session:
        labels = faq_delete.stranded_labels(session, limit=STRANDED_SHOWN)
        return render_template(
            "faq_deleted.html",
            entries=faq_delete.deleted_entries(session, limit=DELETED_SHOWN),
            labels=labels,
            count=faq_delete.count_stranded(session),
            others=faq_list.entry_names(session),
            visible=visible,
        )


@blueprint.post("/labels-without-entry")
@requires(Role.EDITOR)
def move() -> Response:
    """Give the ticked labels to an entry."""
    ids = {number for value in request.form.getlist("label") if (number := row_id(value)) is not None}
    try:
        with service().database.write() as session:
            into = faq.find_intent(session, request.form.get("into", "").strip())
            moved = faq_delete.move_labels(session, ids, into, author=current_user.name)
            question = into.question
        if not moved:
            raise BadInputError("nothing is ticked, or it was moved already")
        flash(visible(f"{moved} label{'' if moved == 1 else 's'} moved to “{question}”."))
    except (BadInputError, NotFoundError) as error:
        flash(f"Nothing was moved: {error}", "warning")
    return redirect(url_for("faq_past.deleted"), 303)
