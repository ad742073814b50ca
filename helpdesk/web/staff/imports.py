"""Import and export of the FAQ: upload, look at what would change, confirm. Nothing is written before that."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import RequestEntityTooLarge

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import faq, uploads
from helpdesk.records.clock import now
from helpdesk.records.files.decoding import ENCODINGS
from helpdesk.records.files.faq_export import export_faq
from helpdesk.records.files.faq_files import NamedFile, ReadAs, read_faq_files
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.files.grids import SEPARATORS
from helpdesk.records.import_plan import ImportPlan, make_plan
from helpdesk.records.import_report import reading, report_groups
from helpdesk.records.roles import Role
from helpdesk.text import visible
from helpdesk.web import problems
from helpdesk.web.context import is_staff, row_id, service
from helpdesk.web.policy import requires

MAX_UPLOAD = 8 * 1024 * 1024
SHOWN_OF_EACH = 25  # rows of a group on the page of all groups
A_GROUP_PAGE = 200
SUFFIXES = ".csv,.tsv,.txt,.xlsx,.json,.jsonl,.ndjson,.yml,.yaml"
_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
blueprint = Blueprint("imports", __name__, url_prefix="/desk/faq")


@blueprint.url_value_preprocessor
def _take_larger_files(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Before the form's token is looked at, which reads the body; of staff only."""
    if endpoint == "imports.upload" and is_staff():
        request.max_content_length = MAX_UPLOAD


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(error: RequestEntityTooLarge) -> Response:
    """What to do with a larger file."""
    if not is_staff():
        return problems.problem(413, "your session has ended; log in and choose the file again")
    most = f"{MAX_UPLOAD // 1024**2} MiB"
    return problems.problem(
        413, f"the upload is too large; expected at most {most}. Import it in parts, or with `helpdesk faq import`."
    )


@blueprint.get("/import")
@requires(Role.EDITOR)
def page() -> str:
    """The form for files, what waits to be confirmed, and the FAQ to download."""
    return _form(problem="")


@blueprint.post("/import")
@requires(Role.EDITOR)
def upload() -> AnyResponse | tuple[str, int]:
    """Keep the files and show what they would change."""
    files = [NamedFile(file.filename or "", file.read()) for file in request.files.getlist("files")]
    try:
        with service().database.write() as session:
            number = uploads.keep_upload(session, files, staff_id=current_user.staff_id)
    except BadInputError as error:
        return _form(problem=str(error)), 400
    return redirect(url_for("imports.preview", upload_id=number), 303)


@blueprint.get("/import/<int:upload_id>")
@requires(Role.EDITOR)
def preview(upload_id: int) -> str:
    """What an upload would change, or, once it is confirmed, what it has changed."""
    return _show(upload_id, request.args)


@blueprint.post("/import/<int:upload_id>")
@requires(Role.EDITOR)
def confirm(upload_id: int) -> AnyResponse | tuple[str, int]:
    """Store what was shown. Sent again, it shows the same receipt."""
    upload_id = upload_id
    seen = row_id(request.form.get("seen"))
    if seen is None:
        raise BadInputError("this form is out of date; go back, reload the page and send it again")
    with service().database.read() as session:
        found = uploads.find_upload(session, upload_id, staff_id=current_user.staff_id)
    if found.receipt is None:
        read = _read(uploads.files_of(found), _read_as(request.form))
        try:
            with service().database.write() as session:
                uploads.confirm_upload(
                    session,
                    upload_id,
                    read,
                    staff_id=current_user.staff_id,
                    seen=seen,
                    replaces=request.form.get("dropped") == "remove",
                    renames=request.form.getlist("rename"),
                    outside=request.form.get("outside") != "entries",
                )
        except ConflictError as error:
            return _show(upload_id, request.form, problem=str(error)), 409
    return redirect(url_for("imports.preview", upload_id=upload_id), 303)


@blueprint.post("/import/<int:upload_id>/discard")
@requires(Role.EDITOR)
def discard(upload_id: int) -> AnyResponse:
    """Forget an upload."""
    with service().database.write() as session:
        uploads.discard_upload(session, upload_id, staff_id=current_user.staff_id)
    flash("Discarded; the FAQ is as it was.")
    return redirect(url_for("imports.page"), 303)


@blueprint.get("/export.csv")
@requires(Role.VIEWER)
def export_csv() -> Response:
    """The FAQ for a spreadsheet, with the mark by which Excel knows UTF-8."""
    return _download("csv")


@blueprint.get("/export.json")
@requires(Role.VIEWER)
def export_json() -> Response:
    """The FAQ for programs."""
    return _download("json")


@blueprint.get("/export.xlsx")
@requires(Role.VIEWER)
def export_xlsx() -> Response:
    """The FAQ as a workbook of Excel."""
    return _download("xlsx")


def _download(form: str) -> Response:
    with service().database.read() as session:
        data = export_faq(faq.list_intents(session), form, mark=True)
    response = Response(data, content_type=_TYPES[form])
    response.headers.set("Content-Disposition", "attachment", filename=f"faq-{now():%Y-%m-%d}.{form}")
    return response


def _read(files: Sequence[NamedFile], read_as: ReadAs) -> FaqFile:
    return read_faq_files(files, read_as=read_as).redacted(service().settings.redactor)


def _form(*, problem: str) -> str:
    with service().database.read() as session:
        waiting = uploads.waiting(session, staff_id=current_user.staff_id)
    return render_template(
        "import.html", problem=problem, waiting=waiting, suffixes=SUFFIXES, most=MAX_UPLOAD // 1024**2, visible=visible
    )


def _show(upload_id: int, how: Mapping[str, str], *, problem: str = "") -> str:
    with service().database.read() as session:
        found = uploads.find_upload(session, upload_id, staff_id=current_user.staff_id)
    if found.receipt is not None:
        return render_template("imported.html", receipt=found.receipt, faq_url=_faq_url(), visible=visible)
    files, read_as = uploads.files_of(found), _read_as(how)
    shown = {
        "upload_id": found.id,
        "names": ", ".join(file.name for file in files),
        "read_as": read_as,
        "encodings": ENCODINGS,
        "separators": SEPARATORS,
        "visible": visible,
    }
    try:
        read = _read(files, read_as)
    except BadInputError as error:
        return render_template("import_preview.html", plan=None, problem=problem or str(error), **shown)
    with service().database.read() as session:
        plan = make_plan(session, read)
    return render_template(
        "import_preview.html", plan=plan, problem=problem, read=read, reading=reading(read), **_groups(plan), **shown
    )


def _faq_url() -> str | None:
    return url_for("faq_list.page") if "faq_list.page" in current_app.view_functions else None


def _groups(plan: ImportPlan) -> dict[str, Any]:
    """All groups of the report, and the one whose rows are looked through page by page, if any."""
    groups = report_groups(plan)
    wanted = next((group for group in groups if group.key == request.args.get("show")), None)
    number = max(1, row_id(request.args.get("page")) or 1)
    start = (number - 1) * A_GROUP_PAGE
    return {
        "groups": groups,
        "first": SHOWN_OF_EACH,
        "only": wanted,
        "only_rows": wanted.rows[start : start + A_GROUP_PAGE] if wanted else [],
        "page_number": number,
        "has_more": wanted is not None and len(wanted.rows) > start + A_GROUP_PAGE,
    }


def _read_as(how: Mapping[str, str]) -> ReadAs:
    """What was chosen on the page; what it does not offer is found out."""
    encoding, separator = how.get("encoding", ""), how.get("separator", "")
    return ReadAs(encoding if encoding in ENCODINGS else "", separator if separator in SEPARATORS.values() else "")
