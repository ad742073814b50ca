"""What the bot knows: its entries, listed and by meaning, and the version that serves."""

from bisect import bisect_right
from typing import Any

from flask import Response, request, url_for
from pydantic import Field

from helpdesk.errors import NotFoundError
from helpdesk.records.api_keys import Scope
from helpdesk.serving.entries import FaqEntry
from helpdesk.web.api.contract import FaqItem, FaqPage, FoundItem, ModelReply, SearchReply, ServingVersion, Text
from helpdesk.web.api.identity import needs, sees_internals
from helpdesk.web.api.json_body import Count, Query, read_query
from helpdesk.web.api.v1 import blueprint
from helpdesk.web.context import service
from helpdesk.web.openapi import Operation, describes, told
from helpdesk.web.policy import public

MAX_RESULTS = 20
MOST_FAQS = 500
_NO_VERSION = "no version serves yet"


class SearchFor(Query):
    """What is looked for."""

    q: Text = Field(examples=["vpn"])
    limit: Count = Field(5, ge=1, le=MAX_RESULTS, description="How many entries at most.")


class FaqsFrom(Query):
    """Which page of the entries."""

    after: str = Field(
        "", max_length=200, pattern=r"^[^\u0000]*$", description="The name of an entry: those after it, by name."
    )
    limit: Count = Field(100, ge=1, le=MOST_FAQS, description="How many entries at most.")


@blueprint.get("/search")
@public
@needs(Scope.SEARCH)
@describes(Operation(SearchReply, query=SearchFor, errors=(404,)))
def search() -> Response:
    """FAQ entries that have an answer, by meaning, best first."""
    wanted = read_query(SearchFor)
    found, version = service().search(wanted.q, limit=MAX_RESULTS)
    internals = sees_internals()
    results = [
        FoundItem.model_validate(
            _facts(entry) | {"confidence": ranked.confidence} | ({"similarity": ranked.similarity} if internals else {})
        )
        for entry, ranked in found
        if entry.answer.strip()
    ]
    return told(SearchReply(results=results[: wanted.limit], model=ServingVersion(version=version)))


@blueprint.get("/faqs")
@public
@needs(Scope.FAQS)
@describes(
    Operation(
        FaqPage,
        query=FaqsFrom,
        others={304: ("Nothing has changed since the `ETag` that `If-None-Match` names.", None)},
        headers={"If-None-Match": "The `ETag` of an earlier reply."},
    )
)
def faqs() -> Response:
    """Every published entry that has an answer, by name, in pages; `Link` names the next one."""
    wanted = read_query(FaqsFrom)
    live = service().live.take_if_set_up()
    names = sorted(live.answered) if live else []
    start = bisect_right(names, wanted.after)
    shown = names[start : start + wanted.limit]
    more = start + len(shown) < len(names)
    following = url_for("api.faqs", after=shown[-1], limit=wanted.limit) if shown and more else None
    items = [FaqItem(**_facts(live.faq[name])) for name in shown] if live else []
    reply = told(FaqPage(faqs=items, next=following))
    if following is not None:
        reply.headers["Link"] = f'<{following}>; rel="next"'
    reply.headers["Cache-Control"] = "private, no-cache"
    reply.add_etag()
    reply.make_conditional(request)
    return reply


@blueprint.get("/model")
@public
@needs(Scope.MODEL)
@describes(Operation(ModelReply, errors=(404,)))
def model() -> Response:
    """Which version serves; with internals also what it was made of and how it was measured."""
    live = service().live.take_if_set_up()
    if live is None:
        raise NotFoundError(_NO_VERSION)
    names = ("kind", "base_model", "dim", "intents", *(("count", "rows_hash", "report") if sees_internals() else ()))
    return told(ModelReply(version=live.version_id, **{name: live.matcher.bundle.manifest[name] for name in names}))


def _facts(entry: FaqEntry) -> dict[str, Any]:
    return {
        "intent": entry.slug,
        "question": entry.question,
        "answer": entry.answer,
        "locale": entry.locale,
        "tags": list(entry.tags),
    }
