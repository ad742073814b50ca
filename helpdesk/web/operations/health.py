"""Is this process alive, and can it answer?"""

from enum import StrEnum
from typing import Any

from flask import Blueprint, Response, jsonify

from helpdesk.records.clock import now
from helpdesk.records.files.reports import last_night
from helpdesk.serving.live import NodeState
from helpdesk.web.context import is_staff, service
from helpdesk.web.policy import public

_PROBLEMS = {  # names of files and hosts are for the log and for staff
    NodeState.STARTING: "no version serves here yet; the log says why",
    NodeState.SERVING: None,
    NodeState.LAGGING: "what is newest could not be loaded, an older version or FAQ serves; the log says why",
}
blueprint = Blueprint("health", __name__)


class DatabaseState(StrEnum):
    """Whether the database answers, and has the schema of this code."""

    OK = "ok"
    OTHER_SCHEMA = "other_schema"
    UNAVAILABLE = "unavailable"


@blueprint.get("/livez")
@public
def livez() -> Response:
    """The process runs."""
    return jsonify({"alive": True})


@blueprint.get("/readyz")
@public
def readyz() -> tuple[Response, int]:
    """200 when messages can be answered and stored, else 503 with the reason: something was stored to find out."""
    status, written = service().live.status(), service().readiness.check()
    database = DatabaseState.UNAVAILABLE if written.problem else DatabaseState.OK
    database = DatabaseState.OTHER_SCHEMA if written.other_schema else database
    problem = f"{written.problem}; the log says why" if written.problem else _PROBLEMS[status.state]
    problem = written.problem if written.other_schema else problem
    if status.problem and not written.other_schema and is_staff():
        problem = status.problem
    ready = status.ready and written.problem is None
    facts = {"ready": ready, "state": status.state, "version": status.version_id, "promoted": written.promoted}
    facts |= {"problem": problem}
    return jsonify(facts | {"database": database, "last_night": _last_night()}), 200 if ready else 503


def _last_night() -> dict[str, Any] | None:
    """How the last night ended and how long ago; a bad one does not make a process unready."""
    night = last_night(service().settings.home)
    if night is None:
        return None
    return {"verdict": night.verdict, "age_seconds": round((now() - night.ended).total_seconds())}
