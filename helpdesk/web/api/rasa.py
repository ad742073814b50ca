"""The Rasa REST channel: what home-made widgets and several open-source ones speak."""

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from helpdesk.records.api_keys import Scope
from helpdesk.serving.chat_service import Option, Reply
from helpdesk.serving.outside_view import OutsideView
from helpdesk.web.api.identity import needs, require_known_origin
from helpdesk.web.api.json_body import read_json
from helpdesk.web.api.rasa_contract import (
    RasaButton,
    RasaFacts,
    RasaMessage,
    RasaMetadata,
    RasaReplies,
    RasaReply,
    RasaStatus,
)
from helpdesk.web.context import service
from helpdesk.web.limits import count_message
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

CHANNEL = "rest"
PLAIN = ("", "text/plain")  # what clients of Rasa write, and browsers send to another site without asking
blueprint = Blueprint("rasa", __name__, url_prefix="/webhooks/rest")


@blueprint.get("/", strict_slashes=False)
@public
@describes(Operation(RasaStatus))
def status() -> Response:
    """Rasa's health check of a channel."""
    return told(RasaStatus(status="ok"))


@blueprint.post("/webhook", strict_slashes=False)
@public
@needs(Scope.MESSAGES)
@describes(Operation(RasaReplies, body=RasaMessage, errors=(409,)))
def webhook() -> Response:
    """Answer one message, Rasa REST channel.

    The whole answer is in the first element's text. The body is read as JSON without a Content-Type and with text/plain
    too. `?token=` may hold a key.
    """
    body = _read()
    count_message(CHANNEL, body.sender)
    given = body.metadata or RasaMetadata()
    chat = service().speaking(given.locale)
    reply = chat.reply(body.message, channel=CHANNEL, sender=body.sender, external_id=given.message_id)
    return told(RasaReplies([as_rasa(reply, chat.view(body.message, reply), body.sender)]))


def _read() -> RasaMessage:
    if request.mimetype in PLAIN:
        require_known_origin()
    elif not request.is_json:
        raise UnsupportedMediaType(f"Content-Type is {request.content_type!r:.80}; expected application/json")
    return read_json(RasaMessage)


def as_rasa(reply: Reply, view: OutsideView, sender: str) -> RasaReply:
    """One element of Rasa's answer; no null keys."""
    facts = {
        "message_id": reply.message_id,
        "decision": reply.kind,
        "reason": view.reason,
        "confidence": round(view.confidence, 4),
        "version": reply.version_id,
        "intent": reply.intents[0] if reply.intents else None,
        "intents": list(reply.intents) if len(reply.intents) > 1 else None,
    }
    custom = RasaFacts.model_validate({name: value for name, value in facts.items() if value is not None})
    buttons = [_button(option) for option in (*reply.options, *reply.follow_ups)]
    if not buttons:
        return RasaReply(recipient_id=sender, text=reply.text, custom=custom)
    return RasaReply(recipient_id=sender, text=reply.text, buttons=buttons, custom=custom)


def _button(option: Option) -> RasaButton:
    return RasaButton(title=option.question, payload=option.question)
