"""Our own JSON API: messages, matching without logging, semantic search, the FAQ, the model.

How a decision came about is for staff: a request with the cookie of a login gets it, nobody else.
"""

import re
from typing import Annotated, Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field, JsonValue

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.matching.decide import Decision
from helpdesk.serving.chat_service import Reply
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.outside_view import OutsideView
from helpdesk.web.api.json_body import Body, read_body
from helpdesk.web.api.json_ids import ExternalId
from helpdesk.web.context import is_staff, service
from helpdesk.web.limits import count_message
from helpdesk.web.policy import public

MAX_RESULTS = 20
CHANNEL_NAME = re.compile(r"[a-z0-9_-]{1,32}")
blueprint = Blueprint("api", __name__, url_prefix="/api/v1")


class ApiMessage(Body):
    """A person's message. The same (channel, message_id) is one message however often it is sent."""

    session_id: str
    text: str
    message_id: ExternalId | None = None
    locale: Annotated[str, Field(max_length=16)] | None = None
    channel: Annotated[str, Field(pattern=f"^{CHANNEL_NAME.pattern}$")] = "api"
    context: dict[str, JsonValue] | None = None


class ApiText(Body):
    """A text to match without logging it."""

    text: str


@blueprint.post("/messages")
@public
def messages() -> Response:
    """Answer one message; it and its decision are stored before this replies."""
    body = read_body(ApiMessage)
    count_message(body.channel, body.session_id)
    reply = service().reply(body.text, channel=body.channel, sender=body.session_id, external_id=body.message_id)
    facts = as_json(reply, service().view(body.text, reply))
    if is_staff():
        facts |= {"reason": reply.reason, "confidence": round(reply.confidence, 4), "matches": list(reply.ranking)}
    return jsonify(facts)


@blueprint.post("/match")
@public
def match() -> Response:
    """What would be decided about a text; nothing is stored."""
    text = read_body(ApiText).text
    decision, version = service().match(text)
    view, model = service().view(text, decision), {"version": version}
    named = {"intents": list(decision.intents), "options": list(decision.options)}
    facts = {"decision": decision.kind, **named, **_seen(view), "model": model}
    return jsonify(facts | _internals(decision) if is_staff() else facts)


@blueprint.get("/search")
@public
def search() -> Response:
    """FAQ entries that have an answer, by meaning, best first."""
    limit = _limit()
    found, version = service().search(request.args.get("q", ""), limit=MAX_RESULTS)
    staff = is_staff()
    results = [
        _entry(entry) | {"confidence": ranked.confidence} | ({"similarity": ranked.similarity} if staff else {})
        for entry, ranked in found
        if entry.answer.strip()
    ]
    return jsonify({"results": results[:limit], "model": {"version": version}})


@blueprint.get("/faqs")
@public
def faqs() -> Response:
    """Every published entry that has an answer."""
    live = service().live.take_if_set_up()
    entries = [live.faq[slug] for slug in sorted(live.answered)] if live else []
    return jsonify({"faqs": [_entry(entry) for entry in entries]})


@blueprint.get("/model")
@public
def model() -> Response:
    """Which version serves; for staff also what it was made of and how it was measured."""
    live = service().live.take_if_set_up()
    if live is None:
        raise NotFoundError("no version serves yet")
    names = ("kind", "base_model", "dim", "intents", *(("count", "rows_hash", "report") if is_staff() else ()))
    return jsonify({"version": live.version_id, **{name: live.matcher.bundle.manifest[name] for name in names}})


def as_json(reply: Reply, view: OutsideView) -> dict[str, Any]:
    """A reply in our own contract, as outsiders read it."""
    return {
        "message_id": reply.message_id,
        "decision": reply.kind,
        "intent": reply.intents[0] if reply.intents else None,
        "intents": list(reply.intents),
        "messages": [{"text": reply.text, "html": reply.html}],
        "options": [{"intent": option.slug, "question": option.question} for option in reply.options],
        "follow_ups": [option.question for option in reply.follow_ups],
        "model": {"version": reply.version_id},
        **_seen(view),
    }


def _seen(view: OutsideView) -> dict[str, Any]:
    matches = [{"intent": intent, "confidence": round(confidence, 4)} for intent, confidence in view.matches]
    return {"reason": view.reason, "confidence": round(view.confidence, 4), "matches": matches}


def _internals(decision: Decision) -> dict[str, Any]:
    columns = decision.columns()
    named = {name: columns[name] for name in ("reason", "confidence", "out_of_scope", "thresholds")}
    return named | {"matches": columns["ranking"]}


def _entry(entry: FaqEntry) -> dict[str, Any]:
    return {
        "intent": entry.slug,
        "question": entry.question,
        "answer": entry.answer,
        "locale": entry.locale,
        "tags": list(entry.tags),
    }


def _limit() -> int:
    given = request.args.get("limit", "5")
    if not given.isdecimal() or not 1 <= int(given[:9]) <= MAX_RESULTS:
        raise BadInputError(f"limit is {given!r:.40}; expected a whole number from 1 to {MAX_RESULTS}")
    return int(given)
