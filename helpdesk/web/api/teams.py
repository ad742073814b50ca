"""Microsoft Teams' outgoing webhook: it waits five seconds for the reply, which is posted under the message."""

import html
import re
from typing import Any

from flask import Blueprint, Response

from helpdesk.channels.chat_names import TEAMS_CHANNEL
from helpdesk.channels.signatures import TEAMS
from helpdesk.errors import BadInputError
from helpdesk.settings.secrets import each
from helpdesk.web.api.chats import answer, require_open, signed_body
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, ReplyBody, describes, told
from helpdesk.web.policy import public

_MENTION = re.compile(r"<at\b[^>]*>.*?</at>", re.DOTALL)
_TAG = re.compile(r"</?[a-z][^<>]*>", re.IGNORECASE)
blueprint = Blueprint("teams", __name__, url_prefix="/webhooks/teams")


class TeamsReply(ReplyBody):
    """What is posted under the message, as plain text; without text where the bot is silent."""

    type: str = "message"
    text: str
    textFormat: str = "plain"  # noqa: N815 - as Teams reads it


@blueprint.post("")
@public
@describes(Operation(TeamsReply, proof="Teams signs the body with the security token of a webhook that was set up"))
def teams_message() -> Response:
    """Answer one message that mentions the webhook."""
    secrets = each(service().settings.teams_secret)
    require_open(secrets)
    activity = signed_body(TEAMS, secrets)
    sender = f"{_id(activity, 'conversation')}:{_id(activity, 'from')}"
    text = activity.get("text")
    if not isinstance(text, str):
        raise BadInputError("text is missing; expected what was written")
    reply = answer(_as_typed(text), channel=TEAMS_CHANNEL, sender=sender, external_id=_text(activity, "id"))
    return told(TeamsReply(type="message", text=reply.text, textFormat="plain"))


def _as_typed(text: str) -> str:
    """Without the mention of the webhook and the tags around lines; escaped letters as they were typed."""
    return html.unescape(_TAG.sub(" ", _MENTION.sub(" ", text))).strip()


def _id(activity: dict[str, Any], name: str) -> str:
    holder = activity.get(name)
    return _text(holder if isinstance(holder, dict) else {}, "id", of=f"{name}.")


def _text(holder: dict[str, Any], name: str, *, of: str = "") -> str:
    value = holder.get(name)
    if not isinstance(value, str) or not value:
        raise BadInputError(f"{of}{name} is {value!r:.40}; expected text")
    return value
