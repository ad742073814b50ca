"""Logging in and out of the staff pages."""

from urllib.parse import urlsplit

from flask import Blueprint, Flask, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_required, login_user, logout_user
from werkzeug.wrappers import Response

from helpdesk.records import staff
from helpdesk.records.tables import Staff
from helpdesk.web.context import service

blueprint = Blueprint("login", __name__)


class LoggedIn:
    """A staff member as Flask-Login wants one; the cookie holds the session token, not the id."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, row: Staff) -> None:
        self.staff_id = row.id
        self.name = row.name
        self._token = row.session_token

    def get_id(self) -> str:
        """What the cookie holds."""
        return self._token


def install(app: Flask) -> None:
    """Teach the application who is logged in."""
    manager = LoginManager(app)
    manager.login_view = "login.form"
    manager.session_protection = "basic"

    @manager.user_loader
    def _load(token: str) -> LoggedIn | None:
        with service().database.read() as records:
            row = staff.find_by_token(records, token)
        return None if row is None else LoggedIn(row)


@blueprint.get("/login")
def form() -> Response | str:
    """The login form."""
    if current_user.is_authenticated:
        return redirect(_target())
    return render_template("login.html", problem=None)


@blueprint.post("/login")
def enter() -> Response | tuple[str, int]:
    """Check name and password; guessing is refused before anything is hashed."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    address = request.remote_addr or ""
    with service().database.write() as records:
        if staff.too_many_failures(records, name, address=address):
            return render_template("login.html", problem="Too many attempts. Try again in 15 minutes."), 429
        row = staff.check_login(records, name, password=password, address=address)
    if row is None:
        return render_template("login.html", problem="Name or password is wrong."), 401
    session.clear()
    login_user(LoggedIn(row))
    return redirect(_target(), 303)


@blueprint.post("/logout")
@login_required
def leave() -> Response:
    """End every session of this login."""
    with service().database.write() as records:
        row = staff.find_by_token(records, current_user.get_id())
        if row is not None:
            staff.end_sessions(row)
    logout_user()
    session.clear()
    return redirect(url_for("login.form"), 303)


def _target() -> str:
    """Where to go after the login: a path of ours, never another site."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return wanted if local else url_for("desk.page")
