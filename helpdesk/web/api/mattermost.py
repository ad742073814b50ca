"""Mattermost's outgoing webhook: it waits for the reply, which is posted under the message."""

from typing import Any

from flask import Blueprint, Response, abort, request

from helpdesk.channels.chat_names import MATTERMOST_CHANNEL
from helpdesk.channels.signatures import is_secret
from helpdesk.errors import BadInputError
from helpdesk.settings.secrets import each
from helpdesk.web.api.chats import answer, require_open
from helpdesk.web.api.json_body import parse
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, ReplyBody, describes, told
from helpdesk.web.policy import public

blueprint = Blueprint("mattermost", __name__, url_prefix="/webhooks/mattermost")


class MattermostReply(ReplyBody):
    """What is posted under the message; nothing where the bot is silent."""

    text: str | None = None
    response_type: str | None = None


@blueprint.post("")
@public
@describes(Operation(MattermostReply, proof="the body has the token of an outgoing webhook that was set up"))
def mattermost_message() -> Response:
    """Answer one message."""
    tokens = each(service().settings.mattermost_token)
    require_open(tokens)
    fields: dict[str, Any] = parse(request.get_data()) if request.is_json else request.form.to_dict()
    if not is_secret(str(fields.get("token", "")), tokens):
        abort(401, "token is not one of an outgoing webhook that is set up")
    channel, user, post, text = (_text(fields, name) for name in ("channel_id", "user_id", "post_id", "text"))
    said = text.removeprefix(str(fields.get("trigger_word") or ""))
    reply = answer(said, channel=MATTERMOST_CHANNEL, sender=f"{channel}:{user}", external_id=post)
    if not reply.text.strip():
        return told(MattermostReply())
    return told(MattermostReply(text=reply.text, response_type="comment"))


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not (value or name == "text"):
        raise BadInputError(f"{name} is {value!r:.40}; expected text")
    return value
