"""Conversations: a search over what was said, and the whole thread with what was decided about each message."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, HandoverStage
from helpdesk.errors import BadInputError
from helpdesk.records import cases, labels, names
from helpdesk.records.conversation_log import (
    LOOKED_AT,
    OUTCOMES,
    Exchange,
    Found,
    Search,
    find_messages,
    labels_of,
    read_thread,
)
from helpdesk.records.day_counts import read_channels
from helpdesk.records.feedback import HELPFUL, NONE_MEANT, NOT_HELPFUL, read_feedback
from helpdesk.records.periods import Period
from helpdesk.records.roles import Role
from helpdesk.records.tables import FeedbackRow
from helpdesk.records.turns import Turn, as_turns
from helpdesk.text import normalise, visible
from helpdesk.web.context import row_id, service
from helpdesk.web.policy import requires
from helpdesk.web.staff.reasons import CASE_REASONS, KIND_WORDS, STAGES, in_words
from helpdesk.web.staff.report_period import moments, read_day

MESSAGES_SHOWN = 50
FORM_FIELDS = ("q", "sender", "channel", "outcome", "faq", "from", "to")
OUTCOME_WORDS = {
    "answered": "Answered",
    "asked_back": "Asked back",
    "not_answered": "Not answered",
    "small_talk": "Small talk",
    "with_person": "With a person",
}
RATING_WORDS = {
    HELPFUL: "The customer says that this helped.",
    NOT_HELPFUL: "The customer says that this did not help.",
    NONE_MEANT: "The customer says that it was none of these.",
}
blueprint = Blueprint("conversations", __name__, url_prefix="/desk/conversations")


@blueprint.get("")
@requires(Role.VIEWER)
def page() -> str:
    """Messages that are wanted, newest first, those of one conversation together."""
    asked = {name: request.args.get(name, "").strip() for name in FORM_FIELDS}
    with service().database.read() as session:
        questions, called = names.questions(session), names.current_names(session)
        search = _search(asked, called)
        pointless = bool(asked["q"]) and not search.text
        before = row_id(request.args.get("before"))
        found = Found([]) if pointless else find_messages(session, search, limit=MESSAGES_SHOWN, before=before)
        channels = read_channels(session)
    same = {name: value for name, value in asked.items() if value}
    today = {slug: question for slug, question in questions.items() if slug not in called}
    return render_template(
        "conversations.html",
        asked=asked,
        groups=_together(found.rows),
        found=found,
        pointless=pointless,
        looked_at=LOOKED_AT,
        same=same,
        next_page=same | {"before": found.before},
        newest=before is None,
        filtered=bool(same),
        channels=channels,
        outcomes=OUTCOME_WORDS,
        entries=sorted(today.items(), key=lambda entry: entry[1]),
        questions=questions,
        kinds=KIND_WORDS,
        visible=visible,
    )


@blueprint.get("/<int:conversation_id>")
@requires(Role.VIEWER)
def thread(conversation_id: int) -> str:
    """One conversation, oldest first: its newest page, or the one before or around a message."""
    before, around = (row_id(request.args.get(name)) for name in ("before", "around"))
    number = conversation_id
    with service().database.read() as session:
        found = read_thread(session, number, limit=MESSAGES_SHOWN, before=before, around=around)
        turns = _turns(session, found.rows)
        opened = cases.cases_of(session, number)
        replies = cases.replies_of(session, number)
    if turns and found.later and turns[-1]["then"]:
        turns[-1]["then"] = "What followed is on the next page."
    return render_template(
        "conversation.html",
        thread=found,
        turns=turns,
        cases=opened,
        replies=replies,
        reasons=CASE_REASONS,
        words=labels.words,
        kinds=KIND_WORDS,
        visible=visible,
    )


def _search(asked: dict[str, str], called: dict[str, str]) -> Search:
    outcome = asked["outcome"] or None
    if outcome is not None and outcome not in OUTCOMES:
        raise BadInputError(f"outcome {outcome!r:.40}; expected one of {', '.join(OUTCOMES)}")
    first, last = read_day(asked, "from"), read_day(asked, "to")
    if first and last and first > last:
        raise BadInputError(f"from {first} to {last}; expected the earlier day first")
    wanted = called.get(asked["faq"], asked["faq"])
    return Search(
        period=Period(*moments(first, last), asked["channel"] or None),
        text=normalise(asked["q"]),
        sender=asked["sender"],
        outcome=outcome,
        intents=[wanted, *(old for old, new in called.items() if new == wanted)] if wanted else (),
    )


def _together(rows: Sequence[Exchange]) -> list[list[Exchange]]:
    """The rows of each conversation, in the order of the newest of them."""
    groups: dict[int, list[Exchange]] = {}
    for said in rows:
        groups.setdefault(said.conversation.id, []).append(said)
    return list(groups.values())


def _turns(session: Session, rows: Sequence[Exchange]) -> list[dict[str, Any]]:
    """What the page shows of each message."""
    given = labels_of(session, {said.message.text_key for said in rows})
    rated = read_feedback(session, [said.message.id for said in rows])
    turns = as_turns(session, [(said.message, said.decision) for said in rows])
    spoken = {slug for turn in turns for slug in (*turn.answered, *turn.offered)}
    questions = names.questions(session, spoken | {row.chosen for row in rated.values() if row.chosen})
    return [
        {
            "message": said.message,
            "decision": said.decision,
            "stage": STAGES.get(HandoverStage(said.decision.stage), "") if said.decision.stage else "",
            "why": in_words(said.decision.reason, sure=said.decision.confidence >= service().settings.review_below),
            "answers": [questions.get(slug, slug) for slug in turn.answered],
            "told": said.decision.told["text"] if said.decision.told and turn.answered else "",
            "offered": [questions.get(slug, slug) for slug in turn.offered],
            "then": _then(said, turn, last=said is rows[-1]),
            "feedback": _rating(rated.get(said.message.id), questions),
            "labels": given.get(said.message.text_key, []),
        }
        for said, turn in zip(rows, turns, strict=True)
    ]


def _rating(row: FeedbackRow | None, questions: Mapping[str, str]) -> str | None:
    """What the customer said of the reply, in words."""
    if row is None:
        return None
    meant = questions.get(row.chosen or "", row.chosen or "")
    return RATING_WORDS.get(row.said, f"The customer says that “{meant}” was meant.")


def _then(said: Exchange, turn: Turn, *, last: bool) -> str | None:
    """What came of a question back, in words; None for other decisions."""
    if said.decision.kind != DecisionKind.CLARIFY:
        return None
    if last:
        return "Nothing followed."
    if turn.chosen is None:
        return "The customer chose none and wrote something else."
    return "The customer chose the answer below." if turn.chosen else "The customer chose “none of these”."
