"""Label forms that were sent and not carried out: they are shown again with everything that was typed.

While somebody logs in, the login form carries them as hidden fields; nothing of them is stored, and nothing is sent
before its button is pressed on a page of ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlsplit

from flask import Response, current_app, make_response, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from helpdesk.records import names, queue
from helpdesk.records.labels import WORDS
from helpdesk.text import visible
from helpdesk.web.context import service

CARRIED = ("label", "note", "question", "answer", "seen")
LABEL_FORMS = ("labelling.label", "labelling.new_faq")
PREFIX = "again-"  # of a carried field in the login form


@dataclass(frozen=True)
class Attempt:
    """Which form was sent, of which message, from which tab, and what was in it."""

    endpoint: str
    message_id: int
    kind: str
    fields: Mapping[str, str]

    @property
    def action(self) -> str:
        """Where its form goes."""
        return url_for(self.endpoint, message_id=self.message_id, kind=self.kind or None)

    def having_seen(self, label_id: int) -> "Attempt":
        """The same on a card that shows this label."""
        return replace(self, fields={**self.fields, "seen": str(label_id)})


def this_attempt() -> Attempt:
    """The label form of this request."""
    arguments = request.view_args or {}
    return Attempt(request.endpoint or "", arguments["message_id"], request.args.get("kind", ""), _fields(""))


def unsent_attempt() -> Attempt | None:
    """The label form of this request, or the one that its login form carries; None without one of ours."""
    if request.method != "POST" or _is_foreign(request.origin):
        return None
    return this_attempt() if request.endpoint in LABEL_FORMS else _carried_attempt()


def _is_foreign(origin: str | None) -> bool:
    """Whether another site sent the form. Ports are not compared: a proxy may leave them out of the host."""
    return origin is not None and urlsplit(origin).hostname != urlsplit(f"//{request.host}").hostname


def _carried_attempt() -> Attempt | None:
    action = urlsplit(request.form.get("again", ""))
    try:
        endpoint, arguments = current_app.url_map.bind("").match(action.path, method="POST")
    except HTTPException:
        return None
    if endpoint not in LABEL_FORMS:
        return None
    kind = parse_qs(action.query).get("kind", [""])[0]
    return Attempt(endpoint, arguments["message_id"], kind, _fields(PREFIX))


def _fields(prefix: str) -> dict[str, str]:
    return {name: request.form[prefix + name] for name in CARRIED if prefix + name in request.form}


@dataclass(frozen=True)
class Offer:
    """What the page of a form that is shown again says, and on its buttons. `keep` leads on without sending it."""

    title: str
    detail: str
    send: str
    keep: str
    keep_url: str


def send_again(attempt: Attempt, *, why: str, status: int) -> Response:
    """The page of a form that was not sent because of a session that had ended."""
    offer = Offer(
        title="Nothing is lost",
        detail=f"{why} Nothing was sent; here is what you were about to say.",
        send="Label it as",
        keep="Look at the message again",
        keep_url=url_for("desk.page", item=attempt.message_id, kind=attempt.kind or None),
    )
    return show_again(attempt, offer, status=status)


def show_again(attempt: Attempt, offer: Offer, *, status: int) -> Response:
    """The page; nothing is sent before somebody presses its button."""
    with service().database.read() as session:
        item = queue.find_item(session, attempt.message_id)
        wish = _wish(session, attempt)
    page = render_template("again.html", attempt=attempt, offer=offer, text=visible(item.text), wish=wish)
    return make_response(page, status)


def _wish(session: Session, attempt: Attempt) -> str | None:
    """What the label form was about to say, in words; None when a new FAQ was typed."""
    if "label" not in attempt.fields:
        return None
    meaning, _, slug = attempt.fields["label"].partition(":")
    return f"“{names.questions(session, [slug]).get(slug, slug)}”" if slug else WORDS.get(meaning, meaning)
