"""Is this process alive, and can it answer?"""

from typing import Any

from flask import Blueprint, Response, jsonify

from helpdesk.errors import UnavailableError
from helpdesk.records.clock import now
from helpdesk.records.files.reports import last_night
from helpdesk.web.context import desk

blueprint = Blueprint("health", __name__)


@blueprint.get("/livez")
def livez() -> Response:
    """The process runs."""
    return jsonify({"alive": True})


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """200 when messages can be answered and stored, else 503 with the reason."""
    status = desk().live.status()
    problem, database = status.reason, "ok"
    try:
        desk().database.ping()
    except UnavailableError as error:
        problem, database = str(error), "unavailable"
    ready = status.ready and database == "ok"
    facts = {"ready": ready, "version": status.version_id, "problem": problem, "database": database}
    return jsonify(facts | {"last_night": _last_night()}), 200 if ready else 503


def _last_night() -> dict[str, Any] | None:
    """How the last night ended and how long ago; a bad one does not make a process unready."""
    night = last_night(desk().settings.home)
    if night is None:
        return None
    return {"verdict": night.verdict, "age_seconds": round((now() - night.ended).total_seconds())}
