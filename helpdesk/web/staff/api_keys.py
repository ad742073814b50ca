"""Keys of programs and of sites: make one, see what they are for and when they were used, revoke."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, HelpdeskError
from helpdesk.records import api_keys
from helpdesk.records.api_keys import LONGEST_LIFE, SITE_SCOPES, NewKey, Scope
from helpdesk.records.roles import Role
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires

SCOPE_WORDS = {
    Scope.MESSAGES: "send messages and get answers",
    Scope.FEEDBACK: "say whether an answer helped",
    Scope.SEARCH: "search the FAQ",
    Scope.FAQS: "list the FAQ",
    Scope.MATCH: "ask what would be decided, without storing it",
    Scope.MODEL: "see which version serves",
    Scope.INTERNALS: "see how decisions come about, as staff do",
}
BY_DEFAULT = (Scope.MESSAGES, Scope.FEEDBACK)
blueprint = Blueprint("api_keys", __name__, url_prefix="/desk/api-keys")


@blueprint.get("")
@requires(Role.ADMIN)
def page() -> Response:
    """Every key, and a form for one more."""
    return _page()


@blueprint.post("")
@requires(Role.ADMIN)
def add() -> Response:
    """Make a key and show it, this once. Sent again it is refused: the name is taken."""
    form = request.form
    try:
        days = _days(form.get("days", ""))
        with service().database.write() as session:
            made = api_keys.add_key(
                session,
                form.get("name", ""),
                scopes=form.getlist("scope"),
                origins=form.get("origins", "").split(),
                days=days,
                author=current_user.name,
            )
    except (BadInputError, ConflictError) as error:
        return _page(problem=error)
    return _page(made=made)


@blueprint.post("/<int:key_id>/revoke")
@requires(Role.ADMIN)
def revoke(key_id: int) -> Response:
    """Let a key count no more."""
    with service().database.write() as session:
        name = api_keys.revoke_key(session, key_id, author=current_user.name).name
    flash(f"The key {name} does not count any more.")
    return redirect(url_for("api_keys.page"), 303)


def _page(*, problem: HelpdeskError | None = None, made: NewKey | None = None) -> Response:
    """The page; what was typed is shown again with what is wrong with it."""
    with service().database.read() as session:
        rows = [(row, api_keys.counts(row)) for row in api_keys.list_keys(session)]
    typed = request.form if problem is not None else {}
    scopes = request.form.getlist("scope") if problem is not None else BY_DEFAULT
    words, status = SCOPE_WORDS, 200 if problem is None else 409 if isinstance(problem, ConflictError) else 400
    page = render_template(
        "api_keys.html",
        rows=rows,
        words=words,
        of_sites=SITE_SCOPES,
        chosen=scopes,
        typed=typed,
        problem=problem,
        made=made,
        longest=LONGEST_LIFE,
        required=service().settings.require_key,
    )
    return make_response(page, status)


def _days(text: str) -> int | None:
    if not text.strip():
        return None
    number = row_id(text.strip())
    if number is None:
        raise BadInputError(f"days is {text!r:.40}; expected a whole number, or nothing for a key that does not expire")
    return number
