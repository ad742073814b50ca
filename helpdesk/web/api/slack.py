"""Slack's events: a direct message to the app, or a mention of it. The reply is posted by the courier.

Slack wants an answer within three seconds and repeats what did not get one; a repetition is the same message.
"""

import html
import re
from typing import Any

from flask import Blueprint, Response
from pydantic import JsonValue

from helpdesk.channels.chat_names import SLACK_CHANNEL, SLACK_REPLY
from helpdesk.channels.signatures import SLACK
from helpdesk.settings.secrets import each
from helpdesk.web.api.chats import answer, require_open, send_later, signed_body
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, ReplyBody, describes, told
from helpdesk.web.policy import public

_MENTION = re.compile(r"<@[A-Z0-9]+(\|[^>]*)?>")
_LINK = re.compile(r"<([^>|]+)(?:\|([^>]*))?>")
blueprint = Blueprint("slack", __name__, url_prefix="/webhooks/slack")


class SlackReply(ReplyBody):
    """What became of the event, or the challenge that came when the address was set up."""

    status: str | None = None
    challenge: JsonValue = None


@blueprint.post("")
@public
@describes(Operation(SlackReply, proof="Slack signs the body"))
def slack_event() -> Response:
    """Store a person's message and answer 200; repeat the challenge when the address is set up."""
    secrets = each(service().settings.slack_signing_secret)
    require_open(secrets)
    body = signed_body(SLACK, secrets)
    if body.get("type") == "url_verification":
        return told(SlackReply(challenge=body.get("challenge")))
    event = body.get("event")
    if not isinstance(event, dict) or not _is_said_to_us(event):
        return told(SlackReply(status="ignored"))
    channel, user, moment = (str(event[name]) for name in ("channel", "user", "ts"))
    sender = f"{body.get('team_id', '')}:{channel}:{user}"
    reply = answer(_as_typed(str(event.get("text", ""))), channel=SLACK_CHANNEL, sender=sender, external_id=moment)
    if reply.text.strip():
        direct = event.get("channel_type") == "im"
        thread = event.get("thread_ts") if direct else event.get("thread_ts", moment)
        send_later(reply, SLACK_REPLY, {"channel": channel, "text": reply.text, "thread": thread})
    return told(SlackReply(status="stored"))


def _is_said_to_us(event: dict[str, Any]) -> bool:
    """A person's new message, in a direct conversation or with our name; not what bots, or Slack itself, write."""
    if event.get("bot_id") or event.get("subtype") or not all(event.get(name) for name in ("channel", "user", "ts")):
        return False
    return event.get("type") == "app_mention" or (event.get("type") == "message" and event.get("channel_type") == "im")


def _as_typed(text: str) -> str:
    """Without mentions; links and escaped letters as they were typed."""
    plain = _LINK.sub(lambda found: found[2] or found[1], _MENTION.sub(" ", text))
    return html.unescape(plain).strip()
