"""Cases that a thumb down opened, and that a thumb up takes back: nobody has to look at them."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.decisions import HandoverStage
from helpdesk.records.clock import now
from helpdesk.records.feedback import NOT_HELPFUL
from helpdesk.records.tables import CaseReason, CaseRow, CaseState, DecisionRow, FeedbackRow, Message

CUSTOMER = "the customer"  # who closed such a case


def withdraw_case(session: Session, case: CaseRow) -> bool:
    """Close the case of a thumb down that was taken back; whether it is closed by that.

    It stays open when somebody has taken it, when another answer of the conversation did not help either, and when
    something was handed over since. The case must be locked.
    """
    if case.state != CaseState.OPEN or case.reason != CaseReason.THUMBS_DOWN:
        return False
    of_talk = select(Message.id).where(Message.conversation_id == case.conversation_id)
    disliked = select(FeedbackRow.message_id).join(Message, Message.id == FeedbackRow.message_id)
    disliked = disliked.where(Message.id.in_(of_talk), FeedbackRow.said == NOT_HELPFUL)
    joined = select(DecisionRow.message_id).where(
        DecisionRow.message_id.in_(of_talk),
        DecisionRow.stage == HandoverStage.HANDED_OVER,
        DecisionRow.created_at >= case.opened_at,
    )
    since = FeedbackRow.at >= case.opened_at
    if any(session.scalar(query.limit(1)) is not None for query in (disliked.where(since), joined)):
        return False
    case.state, case.taken_by, case.closed_at = CaseState.CLOSED, CUSTOMER, now()
    session.flush()
    return True
