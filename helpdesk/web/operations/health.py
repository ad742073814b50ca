"""Is this process alive, and can it answer?"""

from enum import StrEnum

from flask import Blueprint, Response
from pydantic import Field

from helpdesk.errors import UnavailableError
from helpdesk.records import nights
from helpdesk.records.clock import now
from helpdesk.serving.live import NodeState
from helpdesk.web.context import is_staff, service
from helpdesk.web.openapi import Operation, ReplyBody, describes, told
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


class Liveness(ReplyBody):
    """The process runs."""

    alive: bool


class NightOutcome(ReplyBody):
    """How the last night ended; a bad one does not make a process unready."""

    verdict: str
    age_seconds: int


class ReadinessReport(ReplyBody):
    """Whether this process can answer and store messages."""

    ready: bool
    state: NodeState
    version: int | None = Field(description="The version that it serves.")
    promoted: int | None = Field(
        description="The version that every process should serve, as far as the database tells."
    )
    problem: str | None = Field(description="What is wrong, in words; the log has details.")
    database: DatabaseState
    last_night: NightOutcome | None


@blueprint.get("/livez")
@public
@describes(Operation(Liveness))
def livez() -> Response:
    """The process runs."""
    return told(Liveness(alive=True))


@blueprint.get("/readyz")
@public
@describes(Operation(ReadinessReport, others={503: ("It cannot; the reason is in `problem`.", ReadinessReport)}))
def readyz() -> Response:
    """200 when messages can be answered and stored, else 503 with the reason: something was stored to find out."""
    status, written = service().live.status(), service().readiness.check()
    database = DatabaseState.UNAVAILABLE if written.problem else DatabaseState.OK
    database = DatabaseState.OTHER_SCHEMA if written.other_schema else database
    problem = f"{written.problem}; the log says why" if written.problem else _PROBLEMS[status.state]
    problem = written.problem if written.other_schema else problem
    if status.problem and not written.other_schema and is_staff():
        problem = status.problem
    ready = status.ready and written.problem is None
    found = ReadinessReport(
        ready=ready,
        state=status.state,
        version=status.version_id,
        promoted=written.promoted,
        problem=problem,
        database=database,
        last_night=_last_night() if written.problem is None else None,
    )
    return told(found, 200 if ready else 503)


def _last_night() -> NightOutcome | None:
    try:
        with service().database.read() as session:
            night = nights.last_night(session)
    except UnavailableError:  # since a moment ago
        return None
    if night is None:
        return None
    return NightOutcome(verdict=night.verdict, age_seconds=round((now() - night.finished_at).total_seconds()))
