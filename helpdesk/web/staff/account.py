"""One's own account: the password, where one logged in, and logging out everywhere else."""

from flask import Blueprint, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, TooManyError
from helpdesk.records import audit_log, logins, staff
from helpdesk.records.passwords import MIN_PASSWORD
from helpdesk.records.roles import Role
from helpdesk.records.sign_ins import KEPT_FOR, newest_sign_ins
from helpdesk.records.tables import Staff
from helpdesk.web.context import service
from helpdesk.web.policy import requires
from helpdesk.web.staff.browsers import browser_name
from helpdesk.web.staff.invitation import new_password
from helpdesk.web.staff.login import address, begin_session, too_many, too_many_words
from helpdesk.web.staff.people import ROLES

SIGN_INS_SHOWN = 50
blueprint = Blueprint("account", __name__, url_prefix="/desk/account")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> Response:
    """What one may do, the form of a new password, and the newest sign-ins."""
    return _page()


@blueprint.post("/password")
@requires(Role.VIEWER)
def set_password() -> Response:
    """Set a new password for whoever knows the current one; other browsers are logged out."""
    current = request.form.get("current", "")
    try:
        right = logins.check_password(service().database, current_user.name, password=current, address=address())
    except TooManyError as error:
        return too_many(_page(too_many_words(error), status=429), error)
    if right is None:
        return _page("The current password is wrong.", status=400)
    try:
        with service().database.write() as session:
            row = staff.set_password(session, right.name, password=new_password(), author=right.name)
    except BadInputError as error:
        return _page(f"{str(error)[:1].upper()}{str(error)[1:]}", status=400)
    return _go_on(row, "The password is changed. Other browsers are logged out.")


@blueprint.post("/sessions")
@requires(Role.VIEWER)
def log_out_elsewhere() -> Response:
    """End every session but this one."""
    with service().database.write() as session:
        row = _me(session)
        staff.end_sessions(row)
        audit_log.note(session, "login.left_elsewhere", author=row.name)
    return _go_on(row, "Logged out everywhere else.")


def _me(session: Session) -> Staff:
    return session.get_one(Staff, current_user.staff_id)


def _go_on(row: Staff, said: str) -> Response:
    begin_session(row)
    flash(said)
    return redirect(url_for("account.page"), 303)


def _page(problem: str | None = None, *, status: int = 200) -> Response:
    with service().database.read() as session:
        sign_ins = newest_sign_ins(session, current_user.staff_id, limit=SIGN_INS_SHOWN)
    page = render_template(
        "account.html",
        sign_ins=sign_ins,
        browser_name=browser_name,
        shown=SIGN_INS_SHOWN,
        days=KEPT_FOR.days,
        may=ROLES[current_user.role],
        shortest=MIN_PASSWORD,
        problem=problem,
    )
    return make_response(page, status)
