"""What customers say of replies: recorded and counted; it labels nothing by itself."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import CTE, and_, func, select, update
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind
from helpdesk.errors import NotFoundError
from helpdesk.records.asked_texts import lock_texts
from helpdesk.records.clock import now
from helpdesk.records.names import current_names
from helpdesk.records.periods import Period
from helpdesk.records.tables import AskedText, Conversation, DecisionRow, FeedbackRow, Message

HELPFUL: Final = "helpful"
NOT_HELPFUL: Final = "not_helpful"
CHOSEN_ENTRY: Final = "chosen"
NONE_MEANT: Final = "none_of_these"


@dataclass(frozen=True)
class Ratings:
    """How often replies were called helpful and not helpful, another entry was named, and none of those offered."""

    helpful: int = 0
    not_helpful: int = 0
    chosen: int = 0
    none_of_these: int = 0

    @property
    def rated(self) -> int:
        """Thumbs up and down."""
        return self.helpful + self.not_helpful


def own_message(session: Session, message_id: int, *, sender: str, closed: Collection[str] = ()) -> Message:
    """A message of this sender, locked after its text, as deletion does.

    Raises NotFoundError for any other, and for those of closed channels.
    """
    of_sender = select(Message).join(Conversation, Conversation.id == Message.conversation_id)
    of_sender = of_sender.where(Message.id == message_id, Conversation.sender == sender, Message.channel.not_in(closed))
    message = session.scalar(of_sender)
    if message is not None:
        lock_texts(session, [message.text_key])
        message = session.scalar(of_sender.with_for_update(key_share=True, of=Message))
    if message is None:
        raise NotFoundError(f"no message {message_id} of this session")
    return message


def give_feedback(
    session: Session, message_id: int, *, sender: str, said: str, chosen: str | None = None
) -> str | None:
    """Record what the sender of a message says of the reply; the last word counts. What they had said before.

    A text whose answer did not help waits in the queue until it has a label, once. Raises NotFoundError for a message
    that is not this sender's.
    """
    message = own_message(session, message_id, sender=sender)
    row = session.get(FeedbackRow, message_id)
    before = row.said if row else None
    if row is None:
        session.add(FeedbackRow(message_id=message_id, said=said, chosen=chosen))
    else:
        row.said, row.chosen, row.at = said, chosen, now()
    session.flush()
    if NOT_HELPFUL in (said, before):
        disliked = said == NOT_HELPFUL or is_disliked(session, message.text_key)
        asked = update(AskedText).where(AskedText.text_key == message.text_key)
        session.execute(asked.values(disliked=disliked).execution_options(synchronize_session=False))
    return before


def is_disliked(session: Session, text_key: str) -> bool:
    """Whether anybody who sent a text said that the reply did not help."""
    said = select(FeedbackRow.message_id).join(Message, Message.id == FeedbackRow.message_id)
    said = said.where(Message.text_key == text_key, FeedbackRow.said == NOT_HELPFUL)
    return session.scalars(said.limit(1)).first() is not None


def read_feedback(session: Session, message_ids: Collection[int]) -> dict[int, FeedbackRow]:
    """Message id -> what its sender said; messages without are left out."""
    rows = session.scalars(select(FeedbackRow).where(FeedbackRow.message_id.in_(message_ids)))
    return {row.message_id: row for row in rows}


def count_of_text(session: Session, text_key: str) -> Ratings:
    """What was said of the replies to a text, whoever sent it."""
    query = select(FeedbackRow.said, func.count()).join(Message, Message.id == FeedbackRow.message_id)
    query = query.where(Message.text_key == text_key).group_by(FeedbackRow.said)
    return _ratings(dict(session.execute(query).tuples().all()))


def count_ratings(session: Session, period: Period) -> Ratings:
    """What was said of the replies to the messages of a period."""
    given = _given(period)
    query = select(given.c.said, func.count()).join(Message, Message.id == given.c.message_id)
    query = query.where(period.holds).group_by(given.c.said)
    return _ratings(dict(session.execute(query).tuples().all()))


def ratings_by_intent(session: Session, period: Period) -> dict[str, Ratings]:
    """The same for each entry that was answered, by its name of today; of several answers the first counts."""
    given = _given(period)
    answered = and_(DecisionRow.message_id == Message.id, DecisionRow.kind == DecisionKind.ANSWER)
    query = (
        select(DecisionRow.intent, given.c.said, func.count())
        .select_from(given)
        .outerjoin(Message, and_(Message.id == given.c.message_id, period.holds))
        .outerjoin(DecisionRow, answered)  # outer joins, or SQLite may begin with all that was answered
        .group_by(DecisionRow.intent, given.c.said)
    )
    names = current_names(session)
    found: dict[str, Counter[str]] = {}
    for intent, said, count in session.execute(query):
        if intent is not None:
            found.setdefault(names.get(intent, intent), Counter())[said] += count
    return {intent: _ratings(counts) for intent, counts in found.items()}


def _given(period: Period) -> CTE:
    """What was said of about the messages of a period: read first, since few say anything."""
    query = select(FeedbackRow.message_id, FeedbackRow.said).where(period.may_hold(FeedbackRow.message_id))
    return query.cte("given").prefix_with("MATERIALIZED")


def _ratings(counts: Mapping[str, int]) -> Ratings:
    return Ratings(**{name: counts.get(name, 0) for name in (HELPFUL, NOT_HELPFUL, CHOSEN_ENTRY, NONE_MEANT)})
