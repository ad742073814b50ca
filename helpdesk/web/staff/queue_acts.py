"""What is done to ticked rows of the queue: labelled by the dozen, or put back."""

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import labels, now_answered
from helpdesk.records.roles import Role
from helpdesk.records.tables import Message
from helpdesk.text import visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires

MOST_TICKED = 200
FAILURES_TOLD = 3  # of the texts that were not labelled
_LONGEST_NAME = 60
blueprint = Blueprint("queue_acts", __name__, url_prefix="/desk/queue")


@dataclass(frozen=True)
class TickedRow:
    """A message, the newest label that the list knew of, and what the message is said to mean."""

    message_id: int
    seen: int
    meaning: str
    slug: str | None


@blueprint.post("")
@requires(Role.LABELLER)
def accept() -> Response:
    """Label the ticked texts with their suggestions, or all as one thing; what somebody else labelled is left and told.

    All rows are read before one is labelled.
    """
    ticked = request.form.getlist("row")
    if not ticked:
        raise BadInputError("nothing was ticked; tick the messages whose suggestion is right")
    if len(ticked) > MOST_TICKED:
        raise BadInputError(f"{len(ticked)} messages were ticked; expected at most {MOST_TICKED} at once")
    given, left = 0, []
    for row in [_read_row(row, request.form.get("as", "")) for row in ticked]:
        try:
            _label(row)
            given += 1
        except (ConflictError, NotFoundError) as error:
            left.append(f"“{_name(row.message_id)}”: {error}")
    flash(_said(given, left, as_one="as" in request.form))
    return redirect(url_for("queue.page", kind=request.args.get("kind") or None), 303)


@blueprint.post("/back")
@requires(Role.LABELLER)
def put_back() -> Response:
    """Let the ticked texts, which what serves answers, wait in the queue all the same."""
    ticked = [_read_row(row, "skip").message_id for row in request.form.getlist("row")[:MOST_TICKED]]
    if not ticked:
        raise BadInputError("nothing was ticked; tick the messages that should wait in the queue again")
    with service().database.write() as session:
        count = now_answered.put_back(session, ticked)
    flash(f"{count} put back: {'it waits' if count == 1 else 'they wait'} in the queue whatever nights find.")
    return redirect(url_for("queue.page", kind=now_answered.ANSWERED), 303)


def _read_row(row: str, as_one: str) -> TickedRow:
    """One row of the form: `message:seen:slug`; the slug is not needed when all are labelled as one thing."""
    number, _, rest = row.partition(":")
    newest, _, own = rest.partition(":")
    message_id, seen = row_id(number), row_id(newest)
    meaning, _, slug = (as_one or f"intent:{own}").partition(":")
    if message_id is None or seen is None or (meaning == "intent" and not slug):
        raise BadInputError(f"row {row!r:.60}; expected message:seen:slug, as the page wrote it")
    return TickedRow(message_id, seen, meaning, slug or None)


def _label(row: TickedRow) -> None:
    with service().database.read() as session:
        known = labels.read_neighbours(session, row.message_id)
    with service().database.write() as session:
        labels.label_message(
            session,
            row.message_id,
            kind=row.meaning,
            intent=row.slug,
            staff_id=current_user.staff_id,
            holdout_share=service().settings.holdout_share,
            known=known,
            seen=row.seen,
        )


def _name(message_id: int) -> str:
    with service().database.read() as session:
        message = session.get(Message, message_id)
    text = visible(message.text) if message else f"message {message_id}"
    return text if len(text) <= _LONGEST_NAME else f"{text[: _LONGEST_NAME - 1]}…"


def _said(given: int, left: list[str], *, as_one: bool) -> str:
    said = f"{given} labelled{'' if as_one else ' as suggested'}."
    if not left:
        return said
    more = f"; and {len(left) - FAILURES_TOLD} more" if len(left) > FAILURES_TOLD else ""
    return f"{said} {len(left)} not: {'; '.join(left[:FAILURES_TOLD])}{more}."
