"""The Deep Chat widget: it posts the newest message and shows the answer, choices as buttons that send their text."""

import secrets
from html import escape

from flask import Blueprint, Response
from pydantic import Field

from helpdesk.errors import BadInputError, UnavailableError
from helpdesk.records.api_keys import Scope
from helpdesk.serving.chat_service import Option
from helpdesk.web.api.chats import answer, lead, require_open
from helpdesk.web.api.contract import DeliveryId, Sender
from helpdesk.web.api.identity import needs
from helpdesk.web.api.json_body import Body, read_body
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, ReplyBody, describes, told
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
    sessionId: Sender | None = None  # noqa: N815 - as the page writes it
    messageId: DeliveryId | None = None  # noqa: N815


class DeepChatReply(ReplyBody):
    """What the widget shows."""

    text: str
    html: str | None = Field(default=None, description="Choices of a question, as buttons that send their text.")


class DeepChatError(ReplyBody):
    """What was wrong; the widget shows it."""

    error: str


_REFUSALS = {
    400: ("A value is not what was expected.", DeepChatError),
    503: ("The database does not answer.", DeepChatError),
}


@blueprint.post("")
@public
@needs(Scope.MESSAGES)
@describes(Operation(DeepChatReply, body=DeepChatBody, errors=(404, 409), others=_REFUSALS))
def deep_chat_message() -> Response:
    """Answer the newest message; what is wrong is said in `error`, which the widget shows.

    404 until `HELPDESK_DEEP_CHAT` is set.
    """
    require_open(service().settings.deep_chat)
    try:
        body = read_body(DeepChatBody)
        sender = body.sessionId or secrets.token_hex(16)
        external_id = body.messageId or secrets.token_hex(16)
        text = body.messages[-1].text or ""
        reply = answer(text, channel=DEEP_CHAT_CHANNEL, sender=sender, external_id=external_id)
    except BadInputError as error:
        return told(DeepChatError(error=str(error)), 400)
    except UnavailableError:
        return told(DeepChatError(error="this does not work right now; please try again"), 503)
    if reply.options:
        return told(DeepChatReply(text=lead(reply), html=_buttons(reply.options)))
    return told(DeepChatReply(text=reply.text))


def _buttons(options: tuple[Option, ...]) -> str:
    start = '<button class="deep-chat-button deep-chat-suggestion-button">'
    buttons = (f"{start}{escape(option.question)}</button>" for option in options)
    return f'<div class="deep-chat-temporary-message">{"".join(buttons)}</div>'
