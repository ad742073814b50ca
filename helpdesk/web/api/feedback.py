"""What a customer says of a reply: a thumb, the entry that was meant, or none of those offered."""

from flask import Blueprint, Response, jsonify

from helpdesk.errors import BadInputError
from helpdesk.records.feedback import CHOSEN_ENTRY, HELPFUL, NONE_MEANT, NOT_HELPFUL
from helpdesk.web.api.json_body import Body, read_body
from helpdesk.web.context import BIGGEST_ID, service
from helpdesk.web.policy import public

blueprint = Blueprint("feedback", __name__, url_prefix="/api/v1")


class ApiFeedback(Body):
    """One of `helpful`, `chosen` and `none_of_these`."""

    session_id: str
    helpful: bool | None = None
    chosen: str | None = None
    none_of_these: bool | None = None


@blueprint.post("/messages/<int:message_id>/feedback")
@public
def give(message_id: int) -> Response:
    """Record it; the last word of the message's sender counts, and nobody else has one."""
    body = read_body(ApiFeedback)
    said = _said(body)
    told = service().feedback(min(message_id, BIGGEST_ID), sender=body.session_id, said=said, chosen=body.chosen)
    return jsonify({"message_id": message_id, "feedback": said, "handed_over": told})


def _said(body: ApiFeedback) -> str:
    given = [name for name in ("helpful", "chosen", "none_of_these") if getattr(body, name) is not None]
    if len(given) != 1:
        raise BadInputError(f"{len(given)} of helpful, chosen and none_of_these are given; expected one")
    if body.helpful is not None:
        return HELPFUL if body.helpful else NOT_HELPFUL
    if body.none_of_these is False:
        raise BadInputError("none_of_these is False; expected true, or another key")
    return NONE_MEANT if body.none_of_these else CHOSEN_ENTRY
