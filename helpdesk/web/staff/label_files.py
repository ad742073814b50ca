"""All labels as a file, for editors."""

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound

from helpdesk.records.clock import now
from helpdesk.records.files.label_export import LABEL_FORMS, export_labels
from helpdesk.records.roles import Role
from helpdesk.web.context import service
from helpdesk.web.policy import requires

_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
blueprint = Blueprint("label_files", __name__, url_prefix="/desk/labels")


@blueprint.get("/export.<form>")
@requires(Role.EDITOR)
def download(form: str) -> Response:
    """Every label of everybody: `csv` for spreadsheets, `json` for programs."""
    if form not in LABEL_FORMS:
        raise NotFound
    with service().database.read() as session:
        data = export_labels(session, form)
    response = Response(data, content_type=_TYPES[form])
    response.headers.set("Content-Disposition", "attachment", filename=f"labels-{now():%Y-%m-%d}.{form}")
    return response
