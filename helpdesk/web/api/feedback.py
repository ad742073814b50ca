"""What a customer says of a reply: a thumb, the entry that was meant, or none of those offered."""

from flask import Blueprint, Response

from helpdesk.errors import BadInputError
from helpdesk.records.api_keys import Scope
from helpdesk.records.feedback import CHOSEN_ENTRY, HELPFUL, NONE_MEANT, NOT_HELPFUL
from helpdesk.web.api.contract import ApiFeedback, FeedbackReply
from helpdesk.web.api.identity import closed_channels, needs
from helpdesk.web.api.json_body import read_body
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

blueprint = Blueprint("feedback", __name__, url_prefix="/api/v1")


@blueprint.post("/messages/<int:message_id>/feedback")
@public
@needs(Scope.FEEDBACK)
@describes(Operation(FeedbackReply, body=ApiFeedback, errors=(409,)))
def give(message_id: int) -> Response:
    """Record it; the last word of the message's sender counts, and nobody else has one."""
    body = read_body(ApiFeedback)
    said = _said(body)
    handed_over = service().feedback(
        message_id, sender=body.session_id, said=said, chosen=body.chosen, closed=closed_channels()
    )
    return told(FeedbackReply(message_id=message_id, feedback=said, handed_over=handed_over))


def _said(body: ApiFeedback) -> str:
    given = [name for name in ("helpful", "chosen", "none_of_these") if getattr(body, name) is not None]
    if len(given) != 1:
        raise BadInputError(f"{len(given)} of helpful, chosen and none_of_these are given; expected one")
    if body.helpful is not None:
        return HELPFUL if body.helpful else NOT_HELPFUL
    return NONE_MEANT if body.none_of_these else CHOSEN_ENTRY
