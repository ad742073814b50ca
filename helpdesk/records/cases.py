"""Cases: conversations that people have to look at. One that is not closed is the conversation's only one."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from helpdesk.records.tables import CaseReason, CaseRow, CaseState


def open_case(
    session: Session, *, conversation_id: int, message_id: int, reason: CaseReason, urgent: bool = False
) -> CaseRow:
    """The case of a conversation that is not closed, opened now where there is none.

    What is urgent makes a case that waits already urgent too.
    """
    found = current_case(session, conversation_id)
    if found is None:
        case = CaseRow(conversation_id=conversation_id, message_id=message_id, reason=reason, urgent=urgent)
        try:
            with session.begin_nested():
                session.add(case)
            return case
        except IntegrityError:  # another worker opened one at the same moment
            found = current_case(session, conversation_id)
            if found is None:
                raise
    found.urgent = found.urgent or urgent
    session.flush()
    return found


def current_case(session: Session, conversation_id: int) -> CaseRow | None:
    """The case of a conversation that is not closed."""
    return session.scalar(
        select(CaseRow).where(CaseRow.conversation_id == conversation_id, CaseRow.state != CaseState.CLOSED)
    )
