"""The inbox: conversations that wait for people, for desks without a ticket system."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from helpdesk.channels.person_replies import queue_for_chat
from helpdesk.errors import BadInputError, ConflictError, HelpdeskError
from helpdesk.records import cases, inbox
from helpdesk.records.clock import now
from helpdesk.records.conversation_log import Exchange, read_thread
from helpdesk.records.roles import Role
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.markup import html, plain
from helpdesk.text import normalise, visible
from helpdesk.web.context import courier, row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.attempts import Attempt, shows_again
from helpdesk.web.staff.banner import ago
from helpdesk.web.staff.inbox_lines import transcript
from helpdesk.web.staff.reasons import CASE_REASONS

MESSAGES = 100  # of a transcript, the newest
GUESSES = 5
TYPED_REPLY = ("text", "token", "q")
Fields = MultiDict[str, str]
blueprint = Blueprint("inbox", __name__, url_prefix="/desk/inbox")


@dataclass(frozen=True)
class Canned:
    """An entry whose answer may be put into a reply. confidence: None where it was searched for."""

    entry: FaqEntry
    confidence: float | None = None


@blueprint.get("")
@requires(Role.LABELLER)
def page() -> str:
    """The cases that are not closed: urgent ones first, then those that wait longest."""
    with service().database.read() as session:
        rows = inbox.list_cases(session)
    return render_template(
        "inbox.html",
        rows=rows,
        waiting=sum(row.since is not None for row in rows),
        reasons=CASE_REASONS,
        staffed=service().settings.inbox,
        limit=inbox.CASES_LISTED,
        ago=lambda moment: ago(now() - moment),
        visible=visible,
    )


@blueprint.get("/<int:case_id>")
@requires(Role.LABELLER)
def case(case_id: int) -> Response:
    """One case: the transcript, and what may be done with it."""
    return _show(case_id, MultiDict())


@blueprint.post("/<int:case_id>/take")
@requires(Role.LABELLER)
def take(case_id: int) -> AnyResponse:
    """Have it: the bot falls silent. The form names who had it before."""
    holder = request.form.get("holder", "")
    try:
        with service().database.write() as session:
            inbox.take_case(session, case_id, author=current_user.name, holder=holder)
    except ConflictError as error:
        return _show(case_id, MultiDict(), problem=error)
    return redirect(url_for("inbox.case", case_id=case_id), 303)


@blueprint.post("/<int:case_id>/reply")
@requires(Role.LABELLER)
def reply(case_id: int) -> AnyResponse:
    """Send what was typed; or search the FAQ or put an answer into what was typed, which sends nothing."""
    do, _, slug = request.form.get("do", "send").partition(":")
    if do == "search":
        return _show(case_id, request.form)
    if do == "insert":
        return _show(case_id, _with_answer(request.form, slug))
    typed = "\n".join(request.form.get("text", "").splitlines())
    try:
        with service().database.write() as session:
            said = inbox.reply_to_case(
                session,
                case_id,
                author=current_user.name,
                text=typed,
                token=request.form.get("token", ""),
            )
            queue_for_chat(session, said, plain(said.text))
        courier().wake()
    except (BadInputError, ConflictError) as error:
        return _show(case_id, request.form, problem=error)
    flash("Sent.")
    return redirect(url_for("inbox.case", case_id=case_id), 303)


@shows_again("inbox.reply", fields=TYPED_REPLY)
def _again(attempt: Attempt, why: str, status: int) -> Response:
    return _show(attempt.arguments["case_id"], attempt.fields, problem=BadInputError(why), status=status)


@blueprint.post("/<int:case_id>/close")
@requires(Role.LABELLER)
def close(case_id: int) -> AnyResponse:
    """Give the conversation back to the bot, unless the person wrote since the page was drawn."""
    seen = row_id(request.form.get("seen")) or 0
    try:
        with service().database.write() as session:
            inbox.close_case(session, case_id, author=current_user.name, seen=seen)
    except ConflictError as error:
        return _show(case_id, MultiDict(), problem=error)
    flash("Closed. The bot answers this conversation again.")
    return redirect(url_for("inbox.page"), 303)


def _show(case_id: int, typed: Fields, *, problem: HelpdeskError | None = None, status: int | None = None) -> Response:
    with service().database.read() as session:
        found = inbox.find_case(session, case_id)
        thread = read_thread(session, found.conversation_id, limit=MESSAGES)
        unread = inbox.count_unread(session, case_id)
        lines = transcript(session, thread.rows, cases.replies_of(session, found.conversation_id))
    query = typed.get("q", "").strip()
    page = render_template(
        "case.html",
        case=found,
        thread=thread,
        lines=lines,
        unread=unread,
        html=html,
        seen=thread.rows[-1].message.id if thread.rows else 0,
        mine=found.taken_by == current_user.name,
        reasons=CASE_REASONS,
        guesses=list(_guesses(thread.rows)),
        query=query,
        canned=_search(query),
        text=typed.get("text", ""),
        token=typed.get("token") or secrets.token_hex(16),
        longest=inbox.LONGEST_REPLY,
        problem=None if problem is None else f"{str(problem)[:1].upper()}{str(problem)[1:]}.".replace("..", "."),
        visible=visible,
    )
    refused = 200 if problem is None else 409 if isinstance(problem, ConflictError) else 400
    return make_response(page, status or refused)


def _guesses(rows: Sequence[Exchange]) -> Iterator[Canned]:
    """The entries with an answer that fitted best, of the newest message that has any."""
    live = service().live.take()
    ranking = next((said.decision.ranking for said in reversed(rows) if said.decision.ranking), [])
    for ranked in ranking[:GUESSES] if live else []:
        entry = live.faq.get(live.names.get(ranked["intent"], ranked["intent"])) if live else None
        if entry is not None and entry.answer.strip():
            yield Canned(entry, ranked["confidence"])


def _search(query: str) -> list[Canned]:
    if not normalise(query) or service().live.take() is None:
        return []
    found, _ = service().search(query[: service().settings.max_message_chars], limit=3 * GUESSES)
    return [Canned(entry) for entry, _ in found if entry.answer.strip()][:GUESSES]


def _with_answer(form: Fields, slug: str) -> Fields:
    """What was typed with the answer of an entry below it."""
    live = service().live.take()
    entry = live.faq.get(slug) if live else None
    fields = form.copy()
    fields["text"] = "\n\n".join(filter(None, [form.get("text", "").strip(), entry.answer if entry else ""]))
    return fields
