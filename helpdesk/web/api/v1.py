"""Our own JSON API: messages, and matching without logging.

How a decision came about is for staff and for keys with the scope `internals`, nobody else.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import Decision
from helpdesk.records.api_keys import Scope
from helpdesk.serving.chat_service import Reply
from helpdesk.serving.given_texts import MAX_SENDER, check_text
from helpdesk.serving.outside_view import OutsideView
from helpdesk.web.api.contract import (
    ApiMessage,
    ApiText,
    ApiTexts,
    BatchReply,
    MatchReply,
    MessageReply,
    OfferedChoice,
    RankedMatch,
    ServingVersion,
    SpokenText,
    TextMatch,
)
from helpdesk.web.api.identity import needs, require_channel, sees_internals
from helpdesk.web.api.json_body import read_body
from helpdesk.web.context import service
from helpdesk.web.limits import count_message
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

BATCH_BODY = 4 * 1024 * 1024  # bytes; 256 texts of 2,000 characters, each written as \u00e9
_RANKED = ("intent", "confidence", "nearest", "similarity", "understood")
_FEEDBACK = {
    "operationId": "feedback_give",
    "parameters": {"message_id": "$response.body#/message_id"},
    "requestBody": {"session_id": "$request.body#/session_id"},
    "description": "What the sender says of the reply; it is theirs alone.",
}
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


@blueprint.post("/messages")
@public
@needs(Scope.MESSAGES)
@describes(Operation(MessageReply, body=ApiMessage, errors=(409,), links={"feedback": _FEEDBACK}))
def messages() -> Response:
    """Answer one message; it and its decision are stored before this replies."""
    body = read_body(ApiMessage)
    require_channel(body.channel)
    count_message(body.channel, body.session_id)
    chat = service().speaking(body.locale)
    check_text("text", body.text, limit=chat.settings.max_message_chars)
    check_text("session_id", body.session_id, limit=MAX_SENDER)
    reply = chat.reply(body.text, channel=body.channel, sender=body.session_id, external_id=body.message_id)
    return told(as_json(reply, chat.view(body.text, reply), internals=sees_internals()))


@blueprint.post("/match")
@public
@needs(Scope.MATCH)
@describes(Operation(MatchReply, body=ApiText))
def match() -> Response:
    """What would be decided about a text; nothing is stored."""
    text = read_body(ApiText).text
    decision, version = service().match(text)
    return told(MatchReply(**_matched(text, decision), model=ServingVersion(version=version)))


@blueprint.post("/match/batch")
@public
@needs(Scope.MATCH)
@describes(Operation(BatchReply, body=ApiTexts))
def match_batch() -> Response:
    """What would be decided about each of up to 256 texts; nothing is stored. The same as one by one, and faster."""
    request.max_content_length = BATCH_BODY
    texts = read_body(ApiTexts).texts
    decisions, version = service().match_all(texts)
    results = [TextMatch(**_matched(text, decision)) for text, decision in zip(texts, decisions, strict=True)]
    return told(BatchReply(results=results, model=ServingVersion(version=version)))


def as_json(reply: Reply, view: OutsideView, *, internals: bool = False) -> MessageReply:
    """A reply in our own contract, as outsiders read it, or with how the decision came about."""
    ranking = _ranking(reply.ranking) if internals else _matches(view)
    return MessageReply(
        message_id=reply.message_id,
        decision=DecisionKind(reply.kind),
        reason=DecisionReason(reply.reason) if internals else view.reason,
        confidence=round(reply.confidence if internals else view.confidence, 4),
        intent=reply.intents[0] if reply.intents else None,
        intents=list(reply.intents),
        messages=[SpokenText(text=reply.text, html=reply.html)],
        options=[OfferedChoice(intent=option.slug, question=option.question) for option in reply.options],
        follow_ups=[option.question for option in reply.follow_ups],
        matches=ranking,
        model=ServingVersion(version=reply.version_id),
    )


def _matched(text: str, decision: Decision) -> dict[str, Any]:
    facts = {"decision": decision.kind, "intents": list(decision.intents), "options": list(decision.options)}
    if not sees_internals():
        view = service().view(text, decision)
        return facts | {"reason": view.reason, "confidence": round(view.confidence, 4), "matches": _matches(view)}
    columns = decision.columns()
    named = {name: columns[name] for name in ("reason", "confidence", "out_of_scope", "thresholds")}
    return facts | named | {"matches": _ranking(columns["ranking"])}


def _matches(view: OutsideView) -> list[RankedMatch]:
    return _ranking({"intent": intent, "confidence": round(confidence, 4)} for intent, confidence in view.matches)


def _ranking(rows: Iterable[Mapping[str, Any]]) -> list[RankedMatch]:
    """Rows as they are stored; those of earlier versions may hold more."""
    return [RankedMatch.model_validate({name: row[name] for name in _RANKED if name in row}) for row in rows]
