"""The Rasa REST channel: what home-made widgets and several open-source ones speak."""

from typing import Any

from flask import Blueprint, Response, jsonify
from pydantic import JsonValue

from helpdesk.serving.chat_service import Option, Reply
from helpdesk.serving.outside_view import OutsideView
from helpdesk.web.api.json_body import Body, read_body
from helpdesk.web.api.json_ids import without_type
from helpdesk.web.context import service
from helpdesk.web.limits import count_message
from helpdesk.web.policy import public

CHANNEL = "rest"
blueprint = Blueprint("rasa", __name__, url_prefix="/webhooks/rest")


class RasaMessage(Body):
    """What a widget posts. `metadata.message_id` makes a repeated delivery one message."""

    sender: str
    message: str
    metadata: dict[str, JsonValue] | None = None


@blueprint.get("/")
@public
def status() -> Response:
    """Rasa's health check of a channel."""
    return jsonify({"status": "ok"})


@blueprint.post("/webhook")
@public
def webhook() -> Response:
    """Answer one message. The whole answer stands in the first element's text."""
    body = read_body(RasaMessage)
    count_message(CHANNEL, body.sender)
    message_id = without_type((body.metadata or {}).get("message_id"))
    external_id = message_id if isinstance(message_id, str) else None
    reply = service().reply(body.message, channel=CHANNEL, sender=body.sender, external_id=external_id)
    return jsonify([as_rasa(reply, service().view(body.message, reply), body.sender)])


def as_rasa(reply: Reply, view: OutsideView, sender: str) -> dict[str, Any]:
    """One element of Rasa's answer; no null keys."""
    custom = {
        "message_id": reply.message_id,
        "decision": reply.kind,
        "reason": view.reason,
        "confidence": round(view.confidence, 4),
        "version": reply.version_id,
        "intent": reply.intents[0] if reply.intents else None,
        "intents": list(reply.intents) if len(reply.intents) > 1 else None,
    }
    element: dict[str, Any] = {"recipient_id": sender, "text": reply.text}
    if reply.options or reply.follow_ups:
        element["buttons"] = [_button(option) for option in (*reply.options, *reply.follow_ups)]
    element["custom"] = {key: value for key, value in custom.items() if value is not None}
    return element


def _button(option: Option) -> dict[str, str]:
    return {"title": option.question, "payload": option.question}
