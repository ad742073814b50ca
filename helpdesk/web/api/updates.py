"""What people wrote in a conversation since, for the page that the customer looks at."""

from flask import Blueprint, Response, request

from helpdesk.records import cases
from helpdesk.records.api_keys import Scope
from helpdesk.records.tables import CaseReply
from helpdesk.serving.given_texts import MAX_SENDER, check_text
from helpdesk.serving.handoff import is_told
from helpdesk.serving.markup import html, plain
from helpdesk.web.api.contract import TalkState, ToldUpdate, UpdatesFrom, UpdatesReply
from helpdesk.web.api.identity import needs, require_channel
from helpdesk.web.api.json_body import read_query
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

blueprint = Blueprint("updates", __name__, url_prefix="/api/v1/sessions")


@blueprint.get("/<path:session_id>/updates")
@public
@needs(Scope.MESSAGES)
@describes(
    Operation(
        UpdatesReply,
        query=UpdatesFrom,
        others={304: ("Nothing has changed since the `ETag` that `If-None-Match` names.", None)},
        headers={"If-None-Match": "The `ETag` of an earlier reply."},
    )
)
def updates(session_id: str) -> Response:
    """Replies of people after the one that the asker knows, oldest first, and who has the conversation.

    The same state has the same `ETag`, so that whoever asks every few seconds mostly gets 304 without a body.
    """
    check_text("session_id", session_id, limit=MAX_SENDER)
    wanted = read_query(UpdatesFrom)
    require_channel(wanted.channel)
    with service().database.read() as session:
        talk = cases.read_talk(session.connection(), channel=wanted.channel, sender=session_id, locked=False)
        found = []
        if talk.conversation_id is not None:
            found = cases.replies_of(session, talk.conversation_id, after=wanted.after, limit=cases.UPDATES_AT_ONCE)
        waits = talk.waiting and is_told(
            session.connection(), service().settings, channel=wanted.channel, conversation_id=talk.conversation_id
        )
    state = TalkState.PERSON if talk.taken else TalkState.WAITING if waits else TalkState.BOT
    response = told(UpdatesReply(updates=list(map(_update, found)), state=state))
    response.headers["Cache-Control"] = "private, no-cache"
    response.set_etag(f"{wanted.after}-{found[-1].id if found else wanted.after}-{state}")
    response.make_conditional(request)
    return response


def _update(reply: CaseReply) -> ToldUpdate:
    return ToldUpdate(id=reply.id, text=plain(reply.text), html=html(reply.text))
