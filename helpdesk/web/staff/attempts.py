"""Label forms that were sent and not carried out: they are shown again with everything that was typed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flask import Response, make_response, render_template, request, url_for
from sqlalchemy.orm import Session

from helpdesk.records import queue
from helpdesk.records.labels import WORDS
from helpdesk.text import visible
from helpdesk.web.context import service
from helpdesk.web.staff.choices import questions_of

CARRIED = ("label", "question", "answer", "seen")


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
    """The form of this request."""
    fields = {name: request.form[name] for name in CARRIED if name in request.form}
    arguments = request.view_args or {}
    return Attempt(request.endpoint or "", arguments["message_id"], request.args.get("kind", ""), fields)


@dataclass(frozen=True)
class Offer:
    """What the page of a form that is shown again says, and on its buttons. `keep` leads on without sending it."""

    title: str
    detail: str
    send: str
    keep: str
    keep_url: str


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
    return f"“{questions_of(session, [slug]).get(slug, slug)}”" if slug else WORDS.get(meaning, meaning)
