"""Cases that people work on in other systems: nobody closes them at the desk, and they must not stand in the way of the
next one."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records.cases import current_case
from helpdesk.records.clock import now
from helpdesk.records.tables import CaseState, Conversation, DeliveryRow, DeliveryState

ELSEWHERE = "another system"  # who closed such a case


def close_if_elsewhere(session: Session, conversation_id: int, *, older_than: timedelta) -> None:
    """Close the case of a conversation that nobody at the desk has taken, if a receiver got it so long ago."""
    case = current_case(session, conversation_id)
    if case is None or case.state != CaseState.OPEN:
        return
    arrived = select(DeliveryRow.id).where(
        DeliveryRow.case_id == case.id,
        DeliveryRow.state == DeliveryState.SENT,
        DeliveryRow.ended_at < now() - older_than,
    )
    if session.scalar(arrived.limit(1)) is not None:
        case.state, case.taken_by, case.closed_at = CaseState.CLOSED, ELSEWHERE, now()
        session.flush()


def close_given_back(session: Session, *, channel: str, sender: str, older_than: timedelta) -> None:
    """The same for a sender, whose conversation people of another system gave back to the bot."""
    mine = select(Conversation.id).where(Conversation.channel == channel, Conversation.sender == sender)
    conversation_id = session.scalar(mine)
    if conversation_id is not None:
        close_if_elsewhere(session, conversation_id, older_than=older_than)
