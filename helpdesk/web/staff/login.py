"""Logging in and out of the staff pages."""

from flask import Blueprint, Flask, current_app, g, make_response, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden, HTTPException
from werkzeug.wrappers import Response

from helpdesk.errors import HelpdeskError, NotFoundError, TooManyError
from helpdesk.records import audit_log, card_leases, logins, staff
from helpdesk.records.roles import Role
from helpdesk.records.sign_ins import record_sign_in
from helpdesk.records.tables import Staff
from helpdesk.web import problems
from helpdesk.web.addresses import split_address
from helpdesk.web.context import is_staff, service
from helpdesk.web.policy import home_page, may_use, note_refused, public, requires
from helpdesk.web.staff import session_ends
from helpdesk.web.staff.attempts import PREFIX, Attempt, is_foreign, send_again, unsent_attempt

blueprint = Blueprint("login", __name__)


class LoggedIn:
    """A staff member as Flask-Login wants one; the cookie holds the session token, not the id."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, row: Staff) -> None:
        self.staff_id = row.id
        self.name = row.name
        self.role = Role(row.role)
        self._token = row.session_token

    def get_id(self) -> str:
        """What the cookie holds."""
        return self._token


def install(app: Flask) -> None:
    """Teach the application who is logged in."""
    manager = LoginManager()
    app.login_manager = manager  # type: ignore[attr-defined]
    app.context_processor(
        lambda: {"current_user": current_user}
    )  # its `init_app` minds cookies that we do not set, too
    manager.login_view = "login.form"
    manager.session_protection = "basic"

    @manager.user_loader
    def _load(token: str) -> LoggedIn | None:
        if "nobody" in g or session_ends.is_over(session, request, service().settings):
            return None
        with service().database.read() as records:
            row = staff.find_by_token(records, token)
        return None if row is None else LoggedIn(row)

    manager.unauthorized_handler(_log_in_first)
    app.register_error_handler(CSRFError, _out_of_date)
    app.register_error_handler(Forbidden, _may_not)


@blueprint.get("/login")
@public
def form() -> Response | str:
    """The login form."""
    if current_user.is_authenticated:
        return redirect(_target(request.args.get("next", "")))
    return render_template("login.html", problem=None, attempt=None)


@blueprint.post("/login")
@public
def enter() -> Response:
    """Check name and password; guessing is refused before anything is hashed. What the form carries is shown again."""
    name, password = request.form.get("name", ""), request.form.get("password", "")
    try:
        row = logins.check_password(service().database, name, password=password, address=address())
    except TooManyError as error:
        return too_many(_form_again(too_many_words(error), status=429), error)
    if row is None:
        return _form_again("Name or password is wrong.", status=401)
    with service().database.write() as records:
        note_sign_in(records, row)
    begin_session(row)
    attempt = unsent_attempt()
    if attempt is not None:
        return _typed_again(attempt)
    return redirect(_target(request.args.get("next", "")), 303)


@blueprint.post("/logout")
@requires(Role.VIEWER)
def leave() -> Response:
    """End every session of this login; the card that they looked at is free."""
    with service().database.write() as records:
        row = staff.find_by_token(records, current_user.get_id())
        if row is not None:
            staff.end_sessions(row)
            card_leases.free(records, staff_id=row.id)
            audit_log.note(records, "login.left", author=row.name)
    logout_user()
    session.clear()
    return redirect(url_for("login.form"), 303)


def address() -> str:
    """Where this request comes from."""
    return request.remote_addr or ""


def too_many_words(error: TooManyError) -> str:
    """What somebody reads who has to wait."""
    wait = f"{error.seconds} seconds" if error.seconds < 100 else f"{-(-error.seconds // 60)} minutes"
    return f"Too many attempts. Try again in {wait}."


def too_many(page: Response, error: TooManyError) -> Response:
    """The page, with the time to wait for programs too."""
    page.headers["Retry-After"] = str(error.seconds)
    return page


def note_sign_in(records: Session, row: Staff) -> None:
    """Write down that somebody logs in with this request."""
    record_sign_in(records, row, address=address(), browser=request.headers.get("User-Agent", ""))


def begin_session(row: Staff) -> None:
    """From here on this browser is somebody's; nothing of the session before is left."""
    session.clear()
    session_ends.begin(session)
    login_user(LoggedIn(row))


def _form_again(problem: str | None, *, status: int) -> Response:
    """The login form with what it carries, or with the label form that nobody was logged in for."""
    page = render_template("login.html", problem=problem, attempt=unsent_attempt(), prefix=PREFIX)
    return make_response(page, status)


def _log_in_first() -> Response:
    """A form keeps what was typed; a page is come back to, and so is the page that another form was on."""
    if unsent_attempt() is not None:
        return _form_again("Your session has ended. What you typed is kept.", status=401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else _referring_path()
    return redirect(url_for("login.form", next=_target(wanted)))


def _out_of_date(error: CSRFError) -> Response:
    """What is raised while an error is handled is handled by nobody else."""
    try:
        if is_staff():
            note_refused("access.form_refused")
        return _show_again(error)
    except HelpdeskError as another:
        return problems.from_helpdesk(another)


def _show_again(error: CSRFError) -> Response:
    """A label form of a session that has ended; other forms say that they are out of date."""
    attempt = unsent_attempt()
    if attempt is None and not is_staff() and _referring_path() and not is_foreign(request.origin):
        return redirect(url_for("login.form", next=_target(_referring_path())), 303)
    if attempt is None:
        return problems.from_http(error)
    try:
        if is_staff():
            return send_again(attempt, why="This form was older than your login.", status=400)
    except NotFoundError as gone:
        return problems.problem(404, str(gone))
    return _form_again("Your session has ended. What you typed is kept.", status=401)


def _typed_again(attempt: Attempt) -> Response:
    """What was typed before the session ended, to whoever came back, who perhaps may not send it any more."""
    if may_use(attempt.endpoint):
        return send_again(attempt, why="Your session had ended.", status=200)
    refused = f"Your session had ended, and {current_user.name} is a {current_user.role} now, who may not send this."
    return send_again(attempt, why=refused, status=403)


def _may_not(error: Forbidden) -> Response:
    """What was typed is shown again to whoever may not send it, with what they lack."""
    attempt = unsent_attempt()
    if attempt is None or not is_staff():
        return problems.from_http(error)
    said = str(error.description)
    try:
        return send_again(attempt, why=f"{said[:1].upper()}{said[1:]}.", status=403)
    except NotFoundError:  # what the form was about is gone, or never was
        return problems.from_http(error)


def _referring_path() -> str:
    parts = split_address(request.referrer or "")
    return f"{parts.path}?{parts.query}".rstrip("?") if parts.netloc == request.host else ""


def _target(wanted: str) -> str:
    """Where to go after the login: a page of ours that answers GET and may be seen, never another site."""
    parts = split_address(wanted)
    local = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return wanted if local and wanted.isprintable() and _is_page(parts.path) else home_page()


def _is_page(path: str) -> bool:
    """Whether it answers GET; once somebody is logged in, whether they may see it too."""
    try:
        endpoint, _ = current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return False
    return endpoint == "static" or not is_staff() or may_use(endpoint)
