"""A conversation as those read it who take it over: what the person wrote, what the bot did, what people replied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, HandoverStage
from helpdesk.records import names
from helpdesk.records.conversation_log import Exchange
from helpdesk.records.tables import CaseReply
from helpdesk.records.turns import Turn, as_turns
from helpdesk.web.staff.reasons import KIND_WORDS, STAGES


@dataclass(frozen=True)
class Line:
    """One thing that was said. who: `person`, `bot` or `staff`; author: of a reply."""

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
