"""Cases that people work on in other systems: nobody closes them at the desk, and they must not stand in the way of the
next one."""

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from helpdesk.records.cases import current_case
from helpdesk.records.clock import now
from helpdesk.records.tables import CaseState, Conversation, DeliveryRow, DeliveryState

ELSEWHERE = "another system"  # who closed such a case


def close_if_elsewhere(session: Session, conversation_id: int | None, *, older_than: timedelta) -> bool:
    """Close the case of a conversation that nobody at the desk has taken, if a receiver got it, and what came to it, so
    long ago; whether it is closed by that."""
    case = current_case(session, conversation_id) if conversation_id is not None else None
    if case is None or case.state != CaseState.OPEN:
        return False
    sent = DeliveryRow.case_id == case.id, DeliveryRow.state == DeliveryState.SENT
    newest = session.scalar(select(func.max(DeliveryRow.ended_at)).where(*sent))
    if newest is None or newest >= now() - older_than:
        return False
    case.state, case.taken_by, case.closed_at = CaseState.CLOSED, ELSEWHERE, now()
    session.flush()
    return True


def close_given_back(session: Session, *, channel: str, sender: str, older_than: timedelta) -> None:
    """The same for a sender, whose conversation people of another system gave back to the bot."""
    mine = select(Conversation.id).where(Conversation.channel == channel, Conversation.sender == sender)
    close_if_elsewhere(session, session.scalar(mine), older_than=older_than)
