"""The page of a one-time link: whoever was invited chooses a name and a password, or sets a new password."""

from flask import Blueprint, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, HelpdeskError, NotFoundError
from helpdesk.records import one_time_links, passwords
from helpdesk.records.passwords import MIN_PASSWORD
from helpdesk.records.roles import Role
from helpdesk.web.context import service
from helpdesk.web.policy import home_page, public
from helpdesk.web.staff.login import begin_session, note_sign_in
from helpdesk.web.staff.people import ROLES

blueprint = Blueprint("invitation", __name__)


@blueprint.get("/invite/<token>")
@public
def page(token: str) -> Response:
    """The form; a link that cannot be used says so."""
    return _page(token)


@blueprint.post("/invite/<token>")
@public
def use(token: str) -> Response:
    """Make the login, or set the password, and go on logged in. What cannot be done leaves the link as it was."""
    name = request.form.get("name", "")
    try:
        with service().database.read() as session:
            link = one_time_links.find_link(session, token)
        hashed = passwords.hash_password(new_password(), name=name if link.role else link.name)
        with service().database.write() as session:
            row = one_time_links.use_link(session, token, name=name, hashed=hashed)
            note_sign_in(session, row)
    except NotFoundError:
        return _page(token)
    except (BadInputError, ConflictError) as error:
        return _page(token, problem=error, name=name)
    begin_session(row)
    return redirect(home_page(), 303)


def new_password() -> str:
    """What a form has in its two fields for a new password. Raises BadInputError unless both say the same."""
    password = request.form.get("password", "")
    if password != request.form.get("repeated", ""):
        raise BadInputError("the two passwords are not the same; type the new one twice")
    return password


def _page(token: str, *, problem: HelpdeskError | None = None, name: str | None = None) -> Response:
    try:
        with service().database.read() as session:
            link = one_time_links.find_link(session, token)
    except NotFoundError as error:
        return make_response(render_template("invitation.html", link=None, gone=error), 404)
    page = render_template(
        "invitation.html",
        link=link,
        name=link.name if name is None else name,
        may=None if link.role is None else ROLES[Role(link.role)],
        shortest=MIN_PASSWORD,
        problem=problem,
    )
    return make_response(page, 200 if problem is None else 409 if isinstance(problem, ConflictError) else 400)
