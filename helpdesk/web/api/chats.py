"""What the chats of other systems share: their doors, the one message service behind them, the outbox of replies."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from flask import abort, request

from helpdesk.channels.signatures import Recipe, is_signed
from helpdesk.records.deliveries import queue_reply
from helpdesk.serving.chat_service import Reply
from helpdesk.serving.given_texts import MAX_SENDER
from helpdesk.web.api.json_body import parse
from helpdesk.web.context import courier, service
from helpdesk.web.openapi import ReplyBody

NO_TEXT = "📎"  # stands for a picture or a voice message, which nobody here can read


class Taken(ReplyBody):
    """Whether the event was a message for the bot: `stored` or `ignored`."""

    status: str


def require_open(setting: object) -> None:
    """404 while the door is closed: nobody learns that there could be one."""
    if not setting:
        abort(404)


def signed_body(recipe: Recipe, secrets: Sequence[str]) -> dict[str, Any]:
    """The JSON of a request whose raw bytes are signed. 401 otherwise, before anything is parsed."""
    raw = request.get_data()
    if not is_signed(recipe, secrets, request.headers, raw, now=time.time()):
        late = ", or not within five minutes" if recipe.timestamp else ""
        abort(401, f"{recipe.signature} does not sign this body{late}")
    return parse(raw)


def answer(text: str, *, channel: str, sender: str, external_id: str) -> Reply:
    """The reply to a message of another system's chat, stored when this returns. Too long a text is cut.

    A sender of more than `MAX_SENDER` characters is stored as its beginning and its SHA-256: another end is another
    conversation.
    """
    said = text.replace("\x00", "").strip() or NO_TEXT
    longest = service().settings.max_message_chars
    if len(said) > longest:
        said = said[: longest - 1] + "…"
    return service().reply(said, channel=channel, sender=_sender(sender), external_id=external_id)


def _sender(sender: str) -> str:
    if len(sender) <= MAX_SENDER:
        return sender
    end = "~" + hashlib.sha256(sender.encode("utf-8", "surrogatepass")).hexdigest()
    return sender[: MAX_SENDER - len(end)] + end


def send_later(reply: Reply, receiver: str, payload: Mapping[str, Any]) -> None:
    """Queue the reply; the courier sends it in a moment, and goes on trying."""
    with service().database.write() as session:
        queue_reply(session, reply.message_id, receiver, payload)
    courier().wake()


def lead(reply: Reply) -> str:
    """The text of a reply without its numbered choices, for chats that show them as buttons."""
    return reply.text.partition("\n1. ")[0] if reply.options else reply.text
