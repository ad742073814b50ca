"""People: who may log in, what they may do, links to join or to set a new password."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, HelpdeskError, NotFoundError
from helpdesk.records import one_time_links, people
from helpdesk.records.one_time_links import NewLink
from helpdesk.records.roles import Role
from helpdesk.records.tables import Staff
from helpdesk.web.context import service
from helpdesk.web.policy import requires

ROLES = {
    Role.VIEWER: "reads reports and lists",
    Role.LABELLER: "reads and labels messages",
    Role.EDITOR: "labels, and changes the FAQ and golden phrases",
    Role.ADMIN: "does all of that and manages people",
}
blueprint = Blueprint("people", __name__, url_prefix="/desk/people")


@blueprint.get("")
@requires(Role.ADMIN)
def page() -> Response:
    """Everybody, open invitations, and a form for one more."""
    return _page()


@blueprint.post("/invite")
@requires(Role.ADMIN)
def invite() -> Response:
    """Make an invitation and show its link, this once. Sent again, it replaces the link; there is one for a name."""
    name, role = request.form.get("name", ""), _role("role")
    try:
        with service().database.write() as session:
            link = one_time_links.invite(session, name, role=role, author=current_user.name)
    except (BadInputError, ConflictError) as error:
        return _page(problem=error, typed=(name, role))
    return _page(link=link)


@blueprint.post("/<int:staff_id>/reset")
@requires(Role.ADMIN)
def reset(staff_id: int) -> Response:
    """Make a link by which somebody sets a new password, and show it, this once."""
    with service().database.write() as session:
        name = _find(session, staff_id).name
        link = one_time_links.offer_new_password(session, name, author=current_user.name)
    return _page(link=link, joins=False)


@blueprint.post("/<int:staff_id>/role")
@requires(Role.ADMIN)
def set_role(staff_id: int) -> Response:
    """Give somebody the role that was chosen, if they still have the one that was shown."""
    with service().database.write() as session:
        name = _find(session, staff_id).name
        row = people.set_role(session, name, _role("role"), author=current_user.name, seen=_role("seen"))
    return _done(f"{row.name} is {row.role} now.")


@blueprint.post("/<int:staff_id>/disable")
@requires(Role.ADMIN)
def disable(staff_id: int) -> Response:
    """Let somebody in no more."""
    with service().database.write() as session:
        row = people.disable(session, _find(session, staff_id).name, author=current_user.name)
    return _done(f"{row.name} is disabled and logged out. What they did stays.")


@blueprint.post("/<int:staff_id>/enable")
@requires(Role.ADMIN)
def enable(staff_id: int) -> Response:
    """Let somebody in again."""
    with service().database.write() as session:
        row = people.enable(session, _find(session, staff_id).name, author=current_user.name)
    return _done(f"{row.name} may log in again.")


@blueprint.post("/links/<int:link_id>/withdraw")
@requires(Role.ADMIN)
def withdraw(link_id: int) -> Response:
    """Make an invitation void."""
    with service().database.write() as session:
        one_time_links.withdraw(session, link_id, author=current_user.name)
    return _done("The invitation is withdrawn.")


@blueprint.errorhandler(ConflictError)
def conflict(error: ConflictError) -> Response:
    """The list as it is now, and why nothing was changed."""
    return _page(problem=error)


def _page(
    *,
    problem: HelpdeskError | None = None,
    typed: tuple[str, Role] = ("", Role.LABELLER),
    link: NewLink | None = None,
    joins: bool = True,
) -> Response:
    with service().database.read() as session:
        everybody = people.list_people(session)
        invitations = one_time_links.open_invitations(session)
    page = render_template(
        "people.html",
        everybody=everybody,
        invitations=invitations,
        roles=ROLES,
        problem=problem,
        typed=typed,
        link=link,
        joins=joins,
    )
    return make_response(page, 200 if problem is None else 409 if isinstance(problem, ConflictError) else 400)


def _find(session: Session, staff_id: int) -> Staff:
    row = session.get(Staff, staff_id)
    if row is None:
        raise NotFoundError(f"no login {staff_id}")
    return row


def _role(field: str) -> Role:
    text = request.form.get(field, "")
    if text not in list(Role):
        raise BadInputError(f"{field} {text!r:.40}; expected one of {', '.join(Role)}")
    return Role(text)


def _done(said: str) -> Response:
    flash(said)
    return redirect(url_for("people.page"), 303)
