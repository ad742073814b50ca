"""Golden phrases: staff's list of what must always be answered so, and of what must never be answered."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask import Response as AnyResponse
from flask_login import current_user
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, golden
from helpdesk.records.roles import Role
from helpdesk.records.tables import Intent
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.policy import requires
from helpdesk.web.staff.attempts import Attempt, shows_again

NEVER_CHOICE = "never"
ALWAYS_CHOICE = "always:"
blueprint = Blueprint("golden", __name__, url_prefix="/desk/golden")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """The list, and a form for one more."""
    return _show(MultiDict())


@shows_again("golden.add", fields=("text", "promise"))
def _again(attempt: Attempt, why: str, status: int) -> AnyResponse:
    return make_response(_show(attempt.fields, problem=why), status)


def _show(typed: MultiDict[str, str], *, problem: str | None = None) -> str:
    with service().database.read() as session:
        phrases = golden.read(session)
        listed = select(Intent.slug, Intent.question, Intent.status).where(Intent.status != "deleted")
        entries = session.execute(listed.order_by(Intent.slug)).all()
    return render_template(
        "golden.html",
        typed=typed,
        problem=problem,
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
    """Promise something about one text; what cannot be promised is shown again with what is wrong with it."""
    try:
        _promise()
    except (BadInputError, ConflictError, NotFoundError) as error:
        status = {BadInputError: 400, NotFoundError: 404}.get(type(error), 409)
        return make_response(_show(request.form, problem=str(error)), status)
    flash("Added.")
    return redirect(url_for("golden.page"), 303)


def _promise() -> None:
    text, promise = request.form.get("text", ""), request.form.get("promise", "")
    if len(text) > faq.MAX_PHRASING:
        raise BadInputError(f"the text has {len(text)} characters; expected at most {faq.MAX_PHRASING}")
    if promise != NEVER_CHOICE and not promise.startswith(ALWAYS_CHOICE):
        raise BadInputError(f"promise {promise!r:.40}; expected a FAQ, or that it is never answered")
    intent = None if promise == NEVER_CHOICE else promise.removeprefix(ALWAYS_CHOICE)
    with service().database.write() as session:
        golden.add(session, text, intent=intent, author=current_user.name, redact=service().settings.redactor)


@blueprint.post("/<int:golden_id>/remove")
@requires(Role.EDITOR)
def remove(golden_id: int) -> Response:
    """Take a promise back."""
    with service().database.write() as session:
        golden.remove(session, golden_id, author=current_user.name)
    flash("Removed.")
    return redirect(url_for("golden.page"), 303)
