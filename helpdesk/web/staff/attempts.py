"""Forms that were sent and not carried out: they are shown again with everything that was typed.

While somebody logs in, the login form carries them as hidden fields; nothing of them is stored, and nothing is sent
before its button is pressed on a page of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs

from flask import Response, current_app, make_response, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from helpdesk.records import names, queue
from helpdesk.records.labels import WORDS
from helpdesk.text import visible
from helpdesk.web.addresses import split_address
from helpdesk.web.context import is_own_origin, service
from helpdesk.web.policy import may_use
from helpdesk.web.staff.filters import FILTERS

PREFIX = "again-"  # of a carried field in the login form


@dataclass(frozen=True)
class Attempt:
    """Which form was sent, of what, from where on the labelling desk (tab and filters), and what was in it."""

    endpoint: str
    arguments: Mapping[str, Any]
    place: Mapping[str, Any]
    fields: MultiDict[str, str]

    @property
    def action(self) -> str:
        """Where its form goes."""
        return url_for(self.endpoint, **self.arguments, **self.place)

    @property
    def message_id(self) -> int:
        """The message of a label form."""
        return int(self.arguments["message_id"])

    def having_seen(self, label_id: int) -> "Attempt":
        """The same on a card that shows this label."""
        fields = self.fields.copy()
        fields["seen"] = str(label_id)
        return replace(self, fields=fields)


Show = Callable[[Attempt, str, int], Response]


@dataclass(frozen=True)
class CarriedForm:
    """A form that outlives a session: its fields, and what shows it again, with a reason and a status."""

    fields: Sequence[str]
    show: Show


_FORMS: dict[str, CarriedForm] = {}


def shows_again(*endpoints: str, fields: Sequence[str]) -> Callable[[Show], Show]:
    """The decorated function shows the form of these endpoints, with what was typed in these fields."""

    def register(show: Show) -> Show:
        _FORMS.update(dict.fromkeys(endpoints, CarriedForm(fields, show)))
        return show

    return register


def this_attempt() -> Attempt:
    """The form of this request."""
    endpoint = request.endpoint or ""
    return Attempt(endpoint, request.view_args or {}, _place(request.args), _fields(endpoint, ""))


def unsent_attempt() -> Attempt | None:
    """The form of this request, or the one that its login form carries; None without one of ours."""
    if request.method != "POST" or is_foreign(request.origin):
        return None
    return this_attempt() if request.endpoint in _FORMS else _carried_attempt()


def is_foreign(origin: str | None) -> bool:
    """Whether another site sent the form."""
    return origin is not None and not is_own_origin(origin)


def _carried_attempt() -> Attempt | None:
    action = split_address(request.form.get("again", ""))
    try:
        endpoint, arguments = current_app.url_map.bind("").match(action.path, method="POST")
    except HTTPException:
        return None
    if endpoint not in _FORMS:
        return None
    asked = {name: values[0] for name, values in parse_qs(action.query).items()}
    return Attempt(endpoint, arguments, _place(asked), _fields(endpoint, PREFIX))


def _place(asked: Mapping[str, str]) -> dict[str, Any]:
    return {name: asked[name] for name in ("kind", *FILTERS) if asked.get(name)}


def _fields(endpoint: str, prefix: str) -> MultiDict[str, str]:
    names_of = _FORMS[endpoint].fields
    return MultiDict((name, value) for name in names_of for value in request.form.getlist(prefix + name))


def send_again(attempt: Attempt, *, why: str, status: int) -> Response:
    """The page of a form that was not sent because of a session that had ended."""
    return _FORMS[attempt.endpoint].show(attempt, f"{why} Nothing was sent; what you typed is here.", status)


@dataclass(frozen=True)
class Offer:
    """What the page of a label form that is shown again says, and its buttons. `keep` leads on without sending it."""

    title: str
    detail: str
    send: str
    keep: str
    keep_url: str


@shows_again("labelling.label", "labelling.new_faq", fields=("label", "note", "question", "answer", "seen"))
def _label_again(attempt: Attempt, why: str, status: int) -> Response:
    offer = Offer(
        title="Nothing is lost",
        detail=why,
        send="Label it as",
        keep="Look at the message again",
        keep_url=url_for("desk.page", item=attempt.message_id, **attempt.place),
    )
    return show_again(attempt, offer, status=status)


def show_again(attempt: Attempt, offer: Offer, *, status: int) -> Response:
    """The page of a label form; nothing is sent before somebody presses its button."""
    with service().database.read() as session:
        item = queue.find_item(session, attempt.message_id)
        wish = _wish(session, attempt)
    may, text = may_use(attempt.endpoint), visible(item.text)
    page = render_template("again.html", attempt=attempt, offer=offer, text=text, wish=wish, may=may)
    return make_response(page, status)


def _wish(session: Session, attempt: Attempt) -> str | None:
    """What the label form was about to say, in words; None when a new FAQ was typed."""
    if "label" not in attempt.fields:
        return None
    meaning, _, slug = attempt.fields["label"].partition(":")
    return f"“{names.questions(session, [slug]).get(slug, slug)}”" if slug else WORDS.get(meaning, meaning)
