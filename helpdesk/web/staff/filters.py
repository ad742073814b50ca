"""Which part of the queue somebody looks at: a tab, and filters that every form and link of the desk carries on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask, request
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from helpdesk.errors import BadInputError
from helpdesk.records import faq
from helpdesk.records.queue import SORTS, Wanted
from helpdesk.records.tables import FormerName
from helpdesk.text import normalise

FILTERS = ("text", "reason", "faq", "since", "until", "low", "high", "sort", "view")
_CARRYING = ("desk.page", "queue.page", "queue_acts.accept", "labelling.label", "labelling.new_faq", "labelling.undo")


def install(app: Flask) -> None:
    """Links between the pages of the desk keep the filters of the page that they are on."""

    @app.url_defaults
    def _carry(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in _CARRYING and request:
            for name in FILTERS:
                if request.args.get(name):
                    values.setdefault(name, request.args[name])


def read_wanted(session: Session, arguments: "MultiDict[str, str]", *, kind: str) -> Wanted:
    """What the address asks for. Raises BadInputError for a date, a number or an order that is none."""
    sort = arguments.get("sort") or SORTS[0]
    if sort not in SORTS:
        raise BadInputError(f"sort {sort!r:.40}; expected one of {', '.join(SORTS)}")
    return Wanted(
        kind=kind or None,
        text=normalise(arguments.get("text", "")),
        reason=arguments.get("reason") or None,
        best=_names(session, arguments.get("faq", "")),
        since=_day(arguments, "since", 0),
        until=_day(arguments, "until", 1),
        low=_share(arguments, "low", 0.0),
        high=_share(arguments, "high", 1.0),
        sort=sort,
    )


def _names(session: Session, slug: str) -> list[str] | None:
    """What an entry is and was called."""
    if not slug:
        return None
    intent = faq.find_intent(session, slug)
    former = select(FormerName.slug).where(FormerName.intent_id == intent.id)
    return [intent.slug, *session.scalars(former)]


def _day(arguments: "MultiDict[str, str]", name: str, days: int) -> datetime | None:
    """The beginning of a day (UTC) that an argument names, or of one some days later."""
    text = arguments.get(name)
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days)
    except (ValueError, OverflowError):
        raise BadInputError(f"{name} {text!r:.40}; expected a day like 2026-11-01") from None


def _share(arguments: "MultiDict[str, str]", name: str, default: float) -> float:
    """A percentage as a share."""
    text = arguments.get(name)
    if not text:
        return default
    if not text.isdecimal() or len(text) > 3 or int(text) > 100:
        raise BadInputError(f"{name} {text!r:.40}; expected a percentage from 0 to 100")
    return int(text) / 100
