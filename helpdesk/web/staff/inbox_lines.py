"""A conversation as those read it who take it over: what the person wrote, what the bot did, what people replied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, HandoverStage
from helpdesk.records import names
from helpdesk.records.conversation_log import Exchange
from helpdesk.records.feedback import HELPFUL, NOT_HELPFUL, read_feedback
from helpdesk.records.tables import CaseReply
from helpdesk.records.turns import Turn, as_turns
from helpdesk.text import visible
from helpdesk.web.staff.reasons import KIND_WORDS, STAGES

LONGEST_QUOTE = 80  # characters of a message whose answer was rated
_THUMBS = {
    HELPFUL: "Helpful, says the customer of the answer to",
    NOT_HELPFUL: "Not helpful, says the customer of the answer to",
}


@dataclass(frozen=True)
class Line:
    """One thing that was said. who: `person`, `bot`, `staff`, or `thumb` for what the person says of an answer; author:
    of a reply."""

    at: datetime
    who: str
    text: str
    author: str = ""


def transcript(session: Session, rows: Sequence[Exchange], replies: Sequence[CaseReply]) -> list[Line]:
    """Messages of one conversation, oldest first, what the bot did about each, and the replies of people between."""
    turns = as_turns(session, [(said.message, said.decision) for said in rows])
    questions = names.questions(session, {slug for turn in turns for slug in (*turn.answered, *turn.offered)})
    lines = []
    for said, turn in zip(rows, turns, strict=True):
        lines.append(Line(said.message.created_at, "person", said.message.text))
        if said.decision.kind != DecisionKind.PERSON:
            lines.append(Line(said.message.created_at, "bot", _did(said, turn, questions)))
    said_of = read_feedback(session, [said.message.id for said in rows])
    lines += [
        Line(row.at, "thumb", f"{_THUMBS[row.said]}: {visible(said.message.text)[:LONGEST_QUOTE]}")
        for said in rows
        if (row := said_of.get(said.message.id)) is not None and row.said in _THUMBS
    ]
    since = rows[0].message.created_at if rows else None
    lines += [
        Line(reply.created_at, "staff", reply.text, reply.author)
        for reply in replies
        if since is None or reply.created_at >= since
    ]
    return sorted(lines, key=lambda line: line.at)


def _did(said: Exchange, turn: Turn, questions: dict[str, str]) -> str:
    named = [questions.get(slug, slug) for slug in turn.answered or turn.offered]
    words = f"{KIND_WORDS[DecisionKind(said.decision.kind)].capitalize()}"
    first = f"{words}: {'; '.join(named)}." if named else f"{words}."
    stage = STAGES.get(HandoverStage(said.decision.stage)) if said.decision.stage else None
    return f"{first} {stage}" if stage else first
