"""Is this process alive, and can it answer?"""

from flask import Blueprint, Response, jsonify

from helpdesk.errors import UnavailableError
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
    return jsonify(facts), 200 if ready else 503
