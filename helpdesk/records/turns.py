"""The messages around a message, with what became of each."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.decisions import CHOSEN, DecisionReason
from helpdesk.records.conversations import answered_intents
from helpdesk.records.names import current_names
from helpdesk.records.tables import DecisionRow, Message


@dataclass(frozen=True)
class Turn:
    """One message and its decision: the intents that were answered or offered, by their slugs of today.

    chosen: what the person picked of the offer with their next message: a slug (of several the first), "" for none of
    it, None for nothing.
    """

    message_id: int
    text: str
    answered: tuple[str, ...]
    offered: tuple[str, ...]
    chosen: str | None = None


def turns_around(session: Session, message_id: int, *, before: int, after: int) -> list[Turn]:
    """A message with those before and after it in its conversation, oldest first; [] when there is no such message."""
    conversation = session.scalar(select(Message.conversation_id).where(Message.id == message_id))
    if conversation is None:
        return []
    query = select(Message, DecisionRow).join(DecisionRow, DecisionRow.message_id == Message.id)
    query = query.where(Message.conversation_id == conversation)
    earlier = query.where(Message.id <= message_id).order_by(Message.id.desc()).limit(before + 1)
    later = query.where(Message.id > message_id).order_by(Message.id).limit(after + 1)
    rows = [*reversed(session.execute(earlier).tuples().all()), *session.execute(later).tuples()]
    turns = as_turns(session, rows)
    return turns if len(turns) < after + 2 or turns[-after - 2].message_id != message_id else turns[:-1]


def as_turns(session: Session, rows: Sequence[tuple[Message, DecisionRow]]) -> list[Turn]:
    """Messages of one conversation, each with its decision, oldest first, as turns."""
    names = current_names(session)
    decisions = [decision for _, decision in rows]
    return [
        Turn(
            message.id,
            message.text,
            tuple(names.get(slug, slug) for slug in answered_intents(decision)),
            tuple(names.get(slug, slug) for slug in decision.options),
            _chosen(decision, following, names),
        )
        for (message, decision), following in zip(rows, [*decisions[1:], None], strict=True)
    ]


def _chosen(decision: DecisionRow, following: DecisionRow | None, names: dict[str, str]) -> str | None:
    if not decision.options or following is None:
        return None
    if following.reason == DecisionReason.NONE_OF_THESE:
        return ""
    picked = following.intent or next((row["intent"] for row in following.ranking), None)  # one may lack an answer
    if following.reason in CHOSEN and picked is not None:
        return names.get(picked, picked)
    return None
