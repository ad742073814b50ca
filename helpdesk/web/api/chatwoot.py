"""Chatwoot's agent bot: messages come in here, replies are posted to its API by the courier.

Chatwoot repeats only what was answered with 429 or 500, so a message that could not be stored gets 500; any other
failure gives the conversation to people at once.
"""

import hashlib
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, abort, request

from helpdesk.channels.chat_names import CHATWOOT_CHANNEL, CHATWOOT_REPLY
from helpdesk.channels.chatwoot_api import PENDING
from helpdesk.channels.signatures import CHATWOOT, is_secret
from helpdesk.errors import BadInputError, UnavailableError
from helpdesk.records.cases_elsewhere import close_given_back
from helpdesk.settings.secrets import each
from helpdesk.web.api.chats import Taken, answer, lead, require_open, send_later, signed_body
from helpdesk.web.api.json_body import parse
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

_WITH_BUTTONS = ("Channel::WebWidget", "Channel::Telegram")  # WhatsApp refuses titles as long as questions are
OVERTAKEN = timedelta(minutes=1)  # an event of before the hand-over may come after it
blueprint = Blueprint("chatwoot", __name__, url_prefix="/webhooks/chatwoot")


@blueprint.post("")
@public
@describes(Operation(Taken, proof="Chatwoot signs the body, or its address has the right `?secret=`"))
def chatwoot_event() -> Response:
    """Store a customer's message and answer 200; everything else that happens in Chatwoot is none of ours."""
    require_open(service().settings.chatwoot_url)
    event = _verified()
    said = _said(event)
    if said is None:
        return told(Taken(status="ignored"))
    text, external_id = said
    conversation = event["conversation"]
    sender = f"{_id(event.get('account'), 'account')}:{_id(conversation, 'conversation')}"
    try:
        with service().database.write() as session:  # a pending conversation is the bot's: whatever case it had is done
            close_given_back(session, channel=CHATWOOT_CHANNEL, sender=sender, older_than=OVERTAKEN)
        reply = answer(text, channel=CHATWOOT_CHANNEL, sender=sender, external_id=external_id)
        buttons = bool(reply.options) and conversation.get("channel") in _WITH_BUTTONS
        choices = [{"title": option.question, "value": option.question} for option in reply.options]
        payload = {
            "sender": sender,
            "text": lead(reply) if buttons else reply.text,
            "choices": choices if buttons else None,
            "after": event["id"],
            "by_person": False,
        }
        if reply.text.strip():
            send_later(reply, CHATWOOT_REPLY, payload)
    except UnavailableError:
        abort(500, "the message could not be stored; send it again")
    return told(Taken(status="stored"))


def _verified() -> dict[str, Any]:
    settings = service().settings
    if CHATWOOT.signature in request.headers:
        return signed_body(CHATWOOT, each(settings.chatwoot_secret))
    if not is_secret(request.args.get("secret", ""), each(settings.chatwoot_url_secret)):
        abort(401, "expected a signature, or the right ?secret= in the address")
    return parse(request.get_data())


def _said(event: dict[str, Any]) -> tuple[str, str] | None:
    """What a customer said, with an id; None when it is no customer, nothing new, or not the bot's conversation.

    What is chosen from buttons comes as a change of the message that has them.
    """
    conversation = event.get("conversation")
    if not isinstance(conversation, dict) or conversation.get("status") != PENDING or event.get("private") is True:
        return None
    number = _id(event, "message")
    if event.get("event") == "message_created" and event.get("message_type") == "incoming":
        content = event.get("content")
        return (content if isinstance(content, str) else ""), number
    if event.get("event") != "message_updated":
        return None
    values = (event.get("content_attributes") or {}).get("submitted_values")
    chosen = values[0].get("value") if isinstance(values, list) and values and isinstance(values[0], dict) else None
    if not isinstance(chosen, str) or not chosen.strip():
        return None
    return chosen, f"{number}:{hashlib.sha256(chosen.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def _id(holder: object, name: str) -> str:
    number = holder.get("id") if isinstance(holder, dict) else None
    if isinstance(number, bool) or not isinstance(number, int) or abs(number) >= 2**63:
        raise BadInputError(f"the {name}'s id is {number!r:.40}; expected a whole number of 64 bits")
    return str(number)
