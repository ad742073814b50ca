"""The Deep Chat widget: it posts the newest message and shows the answer, choices as buttons that send their text."""

import secrets
from html import escape

from flask import Blueprint, Response, jsonify, make_response
from pydantic import Field

from helpdesk.errors import BadInputError, UnavailableError
from helpdesk.serving.chat_service import Option
from helpdesk.web.api.chats import answer, lead, require_open
from helpdesk.web.api.json_body import Body, read_body
from helpdesk.web.api.json_ids import ExternalId
from helpdesk.web.context import service
from helpdesk.web.policy import public

DEEP_CHAT_CHANNEL = "deep-chat"
blueprint = Blueprint("deep_chat", __name__, url_prefix="/webhooks/deep-chat")


class DeepChatMessage(Body):
    """One message of a conversation."""

    role: str = "user"
    text: str | None = None


class DeepChatBody(Body):
    """What the widget posts and the page adds. Without a `sessionId` every message is a conversation of its own."""

    messages: list[DeepChatMessage] = Field(min_length=1)
    sessionId: ExternalId | None = None  # noqa: N815 - as the page writes it
    messageId: ExternalId | None = None  # noqa: N815


@blueprint.post("")
@public
def deep_chat_message() -> Response:
    """Answer the newest message. What is wrong is said in `error`, which the widget shows."""
    require_open(service().settings.deep_chat)
    try:
        body = read_body(DeepChatBody)
        sender = body.sessionId or secrets.token_hex(16)
        external_id = body.messageId or secrets.token_hex(16)
        text = body.messages[-1].text or ""
        reply = answer(text, channel=DEEP_CHAT_CHANNEL, sender=sender, external_id=external_id)
    except BadInputError as error:
        return make_response(jsonify({"error": str(error)}), 400)
    except UnavailableError:
        return make_response(jsonify({"error": "this does not work right now; please try again"}), 503)
    if reply.options:
        return jsonify({"text": lead(reply), "html": _buttons(reply.options)})
    return jsonify({"text": reply.text})


def _buttons(options: tuple[Option, ...]) -> str:
    start = '<button class="deep-chat-button deep-chat-suggestion-button">'
    buttons = (f"{start}{escape(option.question)}</button>" for option in options)
    return f'<div class="deep-chat-temporary-message">{"".join(buttons)}</div>'
