"""What the receiver of a case is told: who wrote what, what the bot made of it, and what it would have guessed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, NO_QUESTION
from helpdesk.records import names
from helpdesk.records.tables import CaseRow, Conversation, DecisionRow, DeliveryRow, Message
from helpdesk.records.turns import Turn, as_turns

MOST_TURNS = 30
MOST_GUESSES = 3


@dataclass(frozen=True)
class CaseTurn:
    """A message of the customer, as typed, and in our words what the bot did."""

    at: datetime
    text: str
    bot: str


@dataclass(frozen=True)
class CaseContent:
    """A case as its receivers read it. question: the newest message that asks something, no choice from a menu and no
    wish for a person; guesses: (question of an entry, its confidence), best first, of that message."""

    case_id: int
    conversation_id: int
    channel: str
    sender: str
    reason: str
    urgent: bool
    opened_at: datetime
    transcript: tuple[CaseTurn, ...]
    question: str
    guesses: tuple[tuple[str, float], ...]


def read_case(session: Session, case_id: int) -> CaseContent | None:
    """A case with the messages up to the one that opened it, at most the newest thirty; None when there is no such."""
    case = session.get(CaseRow, case_id)
    if case is None:
        return None
    conversation = session.get_one(Conversation, case.conversation_id)
    rows = _rows(session, case)
    questions = names.questions(session)
    asked = next(((m, d) for m, d in reversed(rows) if d.ranking and _asks(d)), rows[-1] if rows else None)
    return CaseContent(
        case_id=case.id,
        conversation_id=conversation.id,
        channel=conversation.channel,
        sender=conversation.sender,
        reason=case.reason,
        urgent=case.urgent,
        opened_at=case.opened_at,
        transcript=_turns(session, rows, questions),
        question=asked[0].text if asked else "",
        guesses=_guesses(session, asked[1], questions) if asked else (),
    )


@dataclass(frozen=True)
class CaseNote:
    """What came to a case after it was sent: a CaseEvent about one message, and the CaseReason behind it.

    case_key, case_ref: the key with which the case was sent to this receiver, and what it became there.
    """

    case: CaseContent
    event: str
    reason: str
    about: CaseTurn
    case_key: str
    case_ref: str


def read_note(
    session: Session, case_id: int, message_id: int, note: Mapping[str, str], *, sent: DeliveryRow
) -> CaseNote | None:
    """A note about a message of a case, for the receiver that the case was sent to; None when either is not stored."""
    case = read_case(session, case_id)
    query = select(Message, DecisionRow).join(DecisionRow, DecisionRow.message_id == Message.id)
    row = session.execute(query.where(Message.id == message_id)).tuples().one_or_none()
    if case is None or row is None:
        return None
    about = _turns(session, [row], names.questions(session))[0]
    return CaseNote(case, note["event"], note["reason"], about, sent.key, sent.external_ref or "")


def _turns(
    session: Session, rows: Sequence[tuple[Message, DecisionRow]], questions: dict[str, str]
) -> tuple[CaseTurn, ...]:
    return tuple(
        CaseTurn(message.created_at, message.text, _did(turn, decision.kind, questions))
        for turn, (message, decision) in zip(as_turns(session, rows), rows, strict=True)
    )


def _asks(decision: DecisionRow) -> bool:
    return decision.reason not in CHOSEN and decision.kind not in NO_QUESTION


def _rows(session: Session, case: CaseRow) -> Sequence[tuple[Message, DecisionRow]]:
    query = (
        select(Message, DecisionRow)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .where(Message.conversation_id == case.conversation_id, Message.id <= case.message_id)
        .order_by(Message.id.desc())
        .limit(MOST_TURNS)
    )
    return list(reversed(session.execute(query).tuples().all()))


def _did(turn: Turn, kind: str, questions: dict[str, str]) -> str:
    if turn.answered:
        return "answered: " + "; ".join(questions.get(slug, slug) for slug in turn.answered)
    if turn.offered:
        return "asked back: " + " | ".join(questions.get(slug, slug) for slug in turn.offered)
    return {"smalltalk": "small talk", "handoff": "handed over", "person": "left it to a person"}.get(
        kind, "did not know"
    )


def _guesses(session: Session, decision: DecisionRow, questions: dict[str, str]) -> tuple[tuple[str, float], ...]:
    called = names.current_names(session)
    slugs = [(called.get(row["intent"], row["intent"]), row["confidence"]) for row in decision.ranking[:MOST_GUESSES]]
    return tuple((questions.get(slug, slug), confidence) for slug, confidence in slugs)
