"""Golden phrases: staff's list of what must always be answered so, and of what must never be answered."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError
from helpdesk.records import faq, golden
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires

NEVER_CHOICE = "never"
ALWAYS_CHOICE = "always:"
blueprint = Blueprint("golden", __name__, url_prefix="/desk/golden")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """The list, and a form for one more."""
    with service().database.read() as session:
        phrases = golden.read(session)
        entries = session.execute(select(Intent.slug, Intent.question, Intent.status).order_by(Intent.slug)).all()
    return render_template(
        "golden.html",
        phrases=phrases,
        entries=entries,
        questions={slug: question for slug, question, _ in entries},
        longest=faq.MAX_PHRASING,
        never=NEVER_CHOICE,
        always=ALWAYS_CHOICE,
        visible=visible,
    )


@blueprint.post("")
@requires(Role.EDITOR)
def add() -> Response:
    """Promise something about one text."""
    text, promise = request.form.get("text", ""), request.form.get("promise", "")
    if len(text) > faq.MAX_PHRASING:
        raise BadInputError(f"the text has {len(text)} characters; expected at most {faq.MAX_PHRASING}")
    if promise != NEVER_CHOICE and not promise.startswith(ALWAYS_CHOICE):
        raise BadInputError(f"promise {promise!r:.40}; expected a FAQ, or that it is never answered")
    intent = None if promise == NEVER_CHOICE else promise.removeprefix(ALWAYS_CHOICE)
    with service().database.write() as session:
        golden.add(session, text, intent=intent, author=current_user.name)
    flash("Added.")
    return redirect(url_for("golden.page"), 303)


@blueprint.post("/<int:golden_id>/remove")
@requires(Role.EDITOR)
def remove(golden_id: int) -> Response:
    """Take a promise back."""
    with service().database.write() as session:
        golden.remove(session, golden_id, author=current_user.name)
    flash("Removed.")
    return redirect(url_for("golden.page"), 303)
