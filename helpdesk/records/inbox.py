"""The inbox of those who answer cases: what waits, taking it, replying, closing. Every change says what it saw."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session, aliased

from helpdesk.decisions import CHOSEN
from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import audit_log
from helpdesk.records.clock import now
from helpdesk.records.tables import CaseReply, CaseRow, CaseState, Conversation, DecisionRow, Message

LONGEST_REPLY = 5000  # characters
CASES_LISTED = 200
_ANSWERED_AT = func.coalesce(
    select(func.max(CaseReply.created_at)).where(CaseReply.case_id == CaseRow.id).correlate(CaseRow).scalar_subquery(),
    CaseRow.taken_at,
)
_UNREAD = and_(Message.conversation_id == CaseRow.conversation_id, Message.created_at > _ANSWERED_AT)


@dataclass(frozen=True)
class InboxRow:
    """One case that is not closed.

    asked: the message that led to it, not the choice of none of what was offered; newest: what the person said last;
    unread: how many messages came since somebody took it or replied; since: since when the person waits, None while
    they were answered last.
    """

    case: CaseRow
    conversation: Conversation
    asked: Message
    newest: Message
    unread: int
    since: datetime | None


def list_cases(session: Session, *, limit: int = CASES_LISTED) -> Sequence[InboxRow]:
    """The cases that are not closed: urgent ones first, then those that wait longest; at the end what was answered."""
    asked, newest = aliased(Message), aliased(Message)
    of_talk = select(func.max(Message.id)).where(Message.conversation_id == CaseRow.conversation_id)
    asks = DecisionRow.message_id == Message.id, DecisionRow.reason.not_in(CHOSEN), Message.id <= CaseRow.message_id
    asked_id = of_talk.join(DecisionRow, asks[0]).where(*asks[1:]).correlate(CaseRow).scalar_subquery()
    first_unread = select(func.min(Message.created_at)).where(_UNREAD).correlate(CaseRow).scalar_subquery()
    since = case((CaseRow.state == CaseState.OPEN, CaseRow.opened_at), else_=first_unread)
    unread = select(func.count(Message.id)).where(_UNREAD).correlate(CaseRow).scalar_subquery()
    query = (
        select(CaseRow, Conversation, asked, newest, unread, since)
        .join(Conversation, Conversation.id == CaseRow.conversation_id)
        .join(asked, asked.id == func.coalesce(asked_id, CaseRow.message_id))
        .join(newest, newest.id == of_talk.correlate(CaseRow).scalar_subquery())
        .where(CaseRow.state != CaseState.CLOSED)
        .order_by(since.is_(None), CaseRow.urgent.desc(), since, CaseRow.opened_at, CaseRow.id)
        .limit(limit)
    )
    return [InboxRow(*row) for row in session.execute(query)]


def count_unread(session: Session, case_id: int) -> int:
    """How many messages came since somebody took a case or replied to it."""
    query = select(func.count(Message.id)).join(CaseRow, _UNREAD).where(CaseRow.id == case_id)
    return session.scalar(query) or 0


def find_case(session: Session, case_id: int, *, locked: bool = False) -> CaseRow:
    """A case; locked: nobody else changes it until the transaction ends. Raises NotFoundError."""
    query = select(CaseRow).where(CaseRow.id == case_id).execution_options(populate_existing=locked)
    case = session.scalar(query.with_for_update() if locked else query)
    if case is None:
        raise NotFoundError(f"no case {case_id}")
    return case


def take_case(session: Session, case_id: int, *, author: str, holder: str) -> CaseRow:
    """Make a case somebody's: the bot falls silent. holder: who had it as the page showed it, "" for nobody.

    Raises ConflictError when somebody else took or closed it since.
    """
    case = find_case(session, case_id, locked=True)
    _require_not_closed(case)
    if case.taken_by == author:
        return case
    if (case.taken_by or "") != holder:
        raise ConflictError(f"this case is with {case.taken_by or 'nobody'} now; nothing was changed")
    case.state, case.taken_by, case.taken_at = CaseState.TAKEN, author[:80], now()
    audit_log.note(session, "case.taken", author=author, subject=f"case {case_id}", before=holder)
    return case


def reply_to_case(session: Session, case_id: int, *, author: str, text: str, token: str) -> CaseReply:
    """Say something to the person; who replies to a case that nobody has takes it. token: the form's, so that a form
    that is sent twice is one reply.

    Raises BadInputError for a text that cannot be sent, ConflictError when somebody else has the case or closed it.
    """
    case = find_case(session, case_id, locked=True)
    said = text.strip()
    before = session.scalar(select(CaseReply).where(CaseReply.token == token))
    if before is not None:
        if (before.case_id, before.author, before.text) != (case_id, author[:80], said):
            raise ConflictError("this form was sent before with another text; nothing was sent")
        return before
    _check(said, token)
    _require_not_closed(case)
    if case.taken_by is None:
        take_case(session, case_id, author=author, holder="")
    _require_holder(case, author)
    reply = CaseReply(case_id=case_id, author=author[:80], text=said, token=token)
    session.add(reply)
    session.flush()
    audit_log.note(session, "case.answered", author=author, subject=f"case {case_id}", reply=reply.id)
    return reply


def close_case(session: Session, case_id: int, *, author: str, seen: int) -> CaseRow:
    """Give the conversation back to the bot. seen: the newest message that the page showed.

    Raises ConflictError when somebody else has the case, or the person wrote since.
    """
    case = find_case(session, case_id, locked=True)
    if case.state == CaseState.CLOSED:
        return case
    _require_holder(case, author)
    newest = session.scalar(select(func.max(Message.id)).where(Message.conversation_id == case.conversation_id)) or 0
    if newest > seen:
        raise ConflictError("the person wrote meanwhile; read it, then close the case")
    case.state, case.taken_by, case.closed_at = CaseState.CLOSED, author[:80], now()
    audit_log.note(session, "case.closed", author=author, subject=f"case {case_id}")
    return case


def _require_not_closed(case: CaseRow) -> None:
    if case.state == CaseState.CLOSED:
        raise ConflictError(f"this case was closed by {case.taken_by}; nothing was changed")


def _require_holder(case: CaseRow, author: str) -> None:
    if case.taken_by not in (None, author[:80]):
        raise ConflictError(f"this case is with {case.taken_by}; take it over first")


def _check(text: str, token: str) -> None:
    if not text:
        raise BadInputError("the reply is empty; write something first")
    if len(text) > LONGEST_REPLY:
        raise BadInputError(f"the reply has {len(text):,} characters; expected at most {LONGEST_REPLY:,}")
    if "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise BadInputError("the reply holds a NUL or a lone surrogate; expected Unicode text")
    if not 16 <= len(token) <= 64 or not token.isascii():
        raise BadInputError("this form is out of date; go back, reload the page and send it again")
