"""Who may use a route. Every route has a policy: `public`, or the role that it needs."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, abort, current_app, request, url_for
from flask_login import current_user

from helpdesk.records import audit_log
from helpdesk.records.roles import Role
from helpdesk.text import counted
from helpdesk.web.context import is_staff, service

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"


def public(view: View) -> View:
    """Anybody may use it."""
    view.policy = PUBLIC  # type: ignore[attr-defined]
    return view


def requires(role: Role) -> Callable[[View], View]:
    """Whoever is logged in and has this role or a later one; others log in first, or are told what they lack."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                return current_app.login_manager.unauthorized()  # type: ignore[attr-defined]
            if not current_user.role.may(role):
                note_refused("access.denied")
                abort(403, f"this needs the role {role}; {current_user.name} has {current_user.role}")
            return view(*args, **kwargs)

        guarded.policy = role  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return decorate


def note_refused(action: str) -> None:
    """Whoever is logged in sent what was refused: it is in the log of who changed what, by its route."""
    with service().database.write() as session:
        audit_log.note(session, action, author=current_user.name, subject=f"{request.method} {request.url_rule}")


def install(app: Flask) -> None:
    """Pages show what whoever looks at them may use: `may_use(endpoint)`, and the way home. They count in words."""
    app.jinja_env.globals.update(may_use=may_use, home_page=home_page, counted=counted)


def may_use(endpoint: str) -> bool:
    """Whether whoever sent this request may use a route."""
    policy: Any = getattr(current_app.view_functions[endpoint], "policy", None)
    return policy == PUBLIC or bool(is_staff() and current_user.role.may(policy))


def home_page() -> str:
    """Where whoever is logged in begins: labelling, or the report for those who only read."""
    return url_for("report.page" if is_staff() and not may_use("desk.page") else "desk.page")
