"""What a label or an edit of the FAQ would change, before it is made."""

from dataclasses import dataclass

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from helpdesk.errors import BadInputError, UnavailableError
from helpdesk.records import labels, names, queue
from helpdesk.records.roles import Role
from helpdesk.serving import edits
from helpdesk.serving.live import Live
from helpdesk.serving.what_if import DAYS, Outlook
from helpdesk.text import normalise, text_key, visible
from helpdesk.web.context import row_id, service, what_if
from helpdesk.web.policy import requires

CONTRADICTS = 0.85  # a phrasing of another entry that is as alike is worth a look
LISTED_PHRASINGS, LISTED_TEXTS = 5, 100
EDITS = ("delete", "merge", "split")
blueprint = Blueprint("what_if", __name__, url_prefix="/desk")


@dataclass(frozen=True)
class Contradiction:
    """A phrasing of another entry that is nearly the text of a label."""

    text: str
    slug: str
    similarity: float


@blueprint.get("/<int:message_id>/receipt")
@requires(Role.LABELLER)
def receipt(message_id: int) -> str:
    """What the label that a message means an entry (`?faq=`) would change; `?fragment=1` is the part of a page."""
    slug, live = request.args.get("faq", ""), _live()
    with service().database.read() as session:
        text = queue.find_item(session, message_id).text
    edited = edits.with_label(live, text, slug)
    outlook = what_if().outlook_of_label(live, edited, text)
    with service().database.read() as session:
        against = _contradictions(session, edited, text, slug)
        questions = names.questions(session)
    page = "receipt_part.html" if request.args.get("fragment") else "receipt.html"
    return render_template(
        page, **_shown(outlook, questions), text=text, slug=slug, against=against, message_id=message_id
    )


@blueprint.route("/faq/what-if", methods=["GET", "POST"])
@requires(Role.VIEWER)
def edit() -> str:
    """What deleting (`?edit=delete&faq=`), merging (`&into=`) or splitting (`&phrasing=&question=`) would change.

    A form that would do so posts the same; nothing is written.
    """
    wanted, slug, live = request.args.get("edit", ""), request.args.get("faq", ""), _live()
    into, question = request.values.get("into", ""), request.values.get("question", "")
    if wanted == "delete":
        edited = edits.without_entry(live, slug)
    elif wanted == "merge":
        edited = edits.with_merge(live, slug, into)
    elif wanted == "split":
        phrasings = [number for text in request.values.getlist("phrasing") if (number := row_id(text)) is not None]
        edited = edits.with_split(live, slug, phrasings, question)
    else:
        raise BadInputError(f"edit {wanted!r:.40}; expected one of {', '.join(EDITS)}")
    outlook = what_if().outlook(live, edited)
    questions = {name: entry.question for name, entry in {**live.faq, **edited.faq}.items()}
    return render_template(
        "what_if.html", **_shown(outlook, questions), edit=wanted, slug=slug, into=into, question=question
    )


def _shown(outlook: Outlook, questions: dict[str, str]) -> dict[str, object]:
    changed = outlook.changed[:LISTED_TEXTS]
    return {"outlook": outlook, "changed": changed, "questions": questions, "days": DAYS, "visible": visible}


def _live() -> Live:
    live = service().live.take()
    if live is None:
        raise UnavailableError("no version serves yet, so nothing can be compared")
    return live


def _contradictions(session: Session, edited: Live, text: str, slug: str) -> list[Contradiction]:
    """The phrasings of other entries that are nearest to a text, where they are nearly it."""
    bundle, key = edited.matcher.bundle, text_key(normalise(text))
    if bundle.phrasing_keys[-1] != key:
        return []
    found = bundle.index.search(bundle.vectors[-1], 4 * LISTED_PHRASINGS)
    near = [
        (bundle.phrasing_ids[row], bundle.intents[bundle.intent_of_row[row]], float(similarity))
        for row, similarity in zip(found.rows, found.similarities, strict=True)
        if similarity >= CONTRADICTS and bundle.intents[bundle.intent_of_row[row]] not in (slug, "")
    ][:LISTED_PHRASINGS]
    texts = labels.texts_of(session, [row for row, _, _ in near])
    return [Contradiction(texts[row], intent, similarity) for row, intent, similarity in near if row in texts]
