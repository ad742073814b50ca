"""What people wrote in a conversation since, for the page that the customer looks at."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from markupsafe import escape

from helpdesk.errors import BadInputError
from helpdesk.records import cases
from helpdesk.records.tables import CaseReply
from helpdesk.serving.chat_service import MAX_SENDER, check_text
from helpdesk.web.api.v1 import CHANNEL_NAME
from helpdesk.web.context import BIGGEST_ID, service
from helpdesk.web.policy import public

blueprint = Blueprint("updates", __name__, url_prefix="/api/v1/sessions")


@blueprint.get("/<path:session_id>/updates")
@public
def updates(session_id: str) -> Response:
    """Replies of people after the one that the asker knows, oldest first, and who has the conversation. The same state
    has the same ETag, so that whoever asks every few seconds mostly gets 304 without a body."""
    check_text("session_id", session_id, limit=MAX_SENDER)
    channel, after = _channel(), _after()
    with service().database.read() as session:
        talk = cases.read_talk(session, channel=channel, sender=session_id, locked=False)
        found = []
        if talk.conversation_id is not None:
            found = cases.replies_of(session, talk.conversation_id, after=after, limit=cases.UPDATES_AT_ONCE)
    state = "person" if talk.taken else "waiting" if talk.waiting else "bot"
    response = jsonify({"updates": [_as_json(reply) for reply in found], "state": state})
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(f"{after}-{found[-1].id if found else after}-{state}")
    response.make_conditional(request)
    return response


def _as_json(reply: CaseReply) -> dict[str, Any]:
    html = "<br>".join(escape(line) for line in reply.text.splitlines())
    return {"id": reply.id, "text": reply.text, "html": html, "author": reply.author}


def _channel() -> str:
    channel = request.args.get("channel", "api")
    if not CHANNEL_NAME.fullmatch(channel):
        raise BadInputError(f"channel is {channel!r:.40}; expected 1 to 32 of a-z, 0-9, _ and -")
    return channel


def _after() -> int:
    given = request.args.get("after", "0")
    if not (given.isascii() and given.isdecimal()) or int(given[:12]) > BIGGEST_ID:
        raise BadInputError(f"after is {given!r:.40}; expected the id of the last update, or 0")
    return int(given)
