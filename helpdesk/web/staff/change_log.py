"""The log of who changed what: newest first, by person and kind, as a page and as CSV."""

from collections.abc import Iterator

from flask import Blueprint, Response, render_template, request, stream_with_context
from sqlalchemy import select

from helpdesk.errors import BadInputError
from helpdesk.records import audit_log
from helpdesk.records.audit_log import COMMAND_LINE
from helpdesk.records.files.spreadsheets import MARK, write_line
from helpdesk.records.roles import Role
from helpdesk.records.tables import AuditLogRow, Staff
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires

CHANGES_A_PAGE = 100
CHANGE_KINDS = {
    "": "everything",
    "faq": "FAQ",
    "golden": "golden phrases",
    "person": "people",
    "key": "keys",
    "login": "sign-ins",
    "access": "what was refused",
    "version": "versions",
    "exclusion": "exclusions",
    "case": "cases",
    "delivery": "deliveries",
}
_WORDS = {
    "access.denied": "was refused for want of a role",
    "access.form_refused": "sent a form without its token",
    "login.closed": "too many failed sign-ins",
    "login.entered": "signed in",
    "login.left": "signed out",
    "login.left_elsewhere": "signed out everywhere else",
    "person.password_link": "made a link for a new password",
}
_SUBJECTS = {"faq": "FAQ", "golden": "golden phrase", "person": ""}  # how a kind is called in a row
blueprint = Blueprint("change_log", __name__, url_prefix="/desk/people")


@blueprint.get("/log")
@requires(Role.ADMIN)
def page() -> str:
    """One page, from the row before `before` on."""
    author, kind = _asked()
    before = row_id(request.args.get("before"))
    with service().database.read() as session:
        rows = audit_log.read_log(session, author=author, kind=kind, before=before, limit=CHANGES_A_PAGE + 1)
        names = sorted(session.scalars(select(Staff.name)), key=str.casefold)
    shown = rows[:CHANGES_A_PAGE]
    return render_template(
        "change_log.html",
        rows=shown,
        before=before,
        older=shown[-1].id if len(rows) > CHANGES_A_PAGE else None,
        author=author,
        kind=kind,
        authors=[*names, COMMAND_LINE],
        kinds=CHANGE_KINDS,
        in_words=in_words,
        visible=visible,
    )


@blueprint.get("/log.csv")
@requires(Role.ADMIN)
def download() -> Response:
    """Every row that the page would show over all its pages."""
    author, kind = _asked()
    response = Response(stream_with_context(_lines(author, kind)), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = "attachment; filename=changes.csv"
    return response


def in_words(row: AuditLogRow) -> str:
    """An action as people say it: `golden.added` is `golden phrase added`."""
    if row.action in _WORDS:
        return _WORDS[row.action]
    kind, _, verb = row.action.partition(".")
    return f"{_SUBJECTS.get(kind, kind)} {verb}".replace("_", " ").strip()


def _asked() -> tuple[str, str]:
    """The author and the kind of the address. Raises BadInputError for a kind that is none."""
    kind = request.args.get("kind", "")
    if kind not in CHANGE_KINDS:
        raise BadInputError(f"kind {kind!r:.40}; expected one of {', '.join(filter(None, CHANGE_KINDS))}")
    return request.args.get("author", ""), kind


def _lines(author: str, kind: str) -> Iterator[str]:
    yield MARK + write_line(("at", "author", "action", "subject", "details"))
    with service().database.read() as session:
        for row in audit_log.read_whole_log(session, author=author, kind=kind):
            details = "; ".join(f"{name}: {value}" for name, value in row.details.items())
            yield write_line((row.at.isoformat(timespec="seconds"), row.author, row.action, row.subject, details))
