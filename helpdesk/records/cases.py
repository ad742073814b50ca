"""Cases: conversations that people have to look at. One that is not closed is the conversation's only one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from helpdesk.decisions import DecisionKind, HandoverStage
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import CaseReason, CaseReply, CaseRow, CaseState, Conversation, DecisionRow, Message, Table

_CONVERSATIONS, _CASES, _MESSAGES, _DECISIONS = (
    Table.metadata.tables[table.__tablename__] for table in (Conversation, CaseRow, Message, DecisionRow)
)
_NOT_CLOSED = and_(_CASES.c.conversation_id == _CONVERSATIONS.c.id, _CASES.c.state != CaseState.CLOSED)
_TALK = Prepared(
    select(_CONVERSATIONS.c.id, _CONVERSATIONS.c.promotion_id, _CASES.c.id, _CASES.c.state)
    .select_from(_CONVERSATIONS.outerjoin(_CASES, _NOT_CLOSED))
    .where(_CONVERSATIONS.c.channel == bindparam("channel"), _CONVERSATIONS.c.sender == bindparam("sender"))
)
_HELD = select(_CASES.c.state).where(_CASES.c.id == bindparam("case_id")).with_for_update(read=True)
_LATELY = _MESSAGES.c.created_at >= bindparam("since", type_=_MESSAGES.c.created_at.type)
_LAST_QUESTION = Prepared(
    select(_DECISIONS.c.kind, _DECISIONS.c.stage, _LATELY)
    .select_from(_MESSAGES.join(_DECISIONS, _DECISIONS.c.message_id == _MESSAGES.c.id))
    .where(_MESSAGES.c.conversation_id == bindparam("conversation_id"), _DECISIONS.c.kind != DecisionKind.SMALLTALK)
    .order_by(_MESSAGES.c.id.desc())
    .limit(1)
)
UPDATES_AT_ONCE = 100


@dataclass(frozen=True)
class Talk:
    """Who has a conversation: the bot, or the bot until people look at it, or a person. No id: nothing was said yet.

    promotion_id: the newest promotion that it was answered under.
    """

    conversation_id: int | None = None
    state: str | None = None
    promotion_id: int | None = None

    @property
    def taken(self) -> bool:
        """Whether a person has it."""
        return self.state == CaseState.TAKEN

    @property
    def waiting(self) -> bool:
        """Whether it waits for a person."""
        return self.state == CaseState.OPEN


@dataclass(frozen=True)
class Backlog:
    """The cases that nobody has taken: how many, how many of them urgent, and since when the oldest waits."""

    count: int
    urgent: int
    oldest: datetime | None


def open_case(
    session: Session, *, conversation_id: int, message_id: int, reason: CaseReason, urgent: bool = False
) -> tuple[CaseRow, bool]:
    """The case of a conversation that is not closed, opened now where there is none; and whether it was opened now.

    What is urgent makes a case that waits already urgent too.
    """
    found = current_case(session, conversation_id, locked=True)
    if found is None:
        case = CaseRow(conversation_id=conversation_id, message_id=message_id, reason=reason, urgent=urgent)
        try:
            with session.begin_nested():
                session.add(case)
            return case, True
        except IntegrityError:  # another worker opened one at the same moment
            found = current_case(session, conversation_id)
            if found is None:
                raise
    found.urgent = found.urgent or urgent
    session.flush()
    return found, False


def current_case(session: Session, conversation_id: int, *, locked: bool = False) -> CaseRow | None:
    """The case of a conversation that is not closed. locked: nobody else changes it until the transaction ends."""
    query = select(CaseRow).where(CaseRow.conversation_id == conversation_id, CaseRow.state != CaseState.CLOSED)
    return session.scalar(query.with_for_update() if locked else query)


def conversation_of(session: Session, message_id: int) -> int:
    """The conversation of a stored message."""
    return session.execute(select(Message.conversation_id).where(Message.id == message_id)).scalar_one()


def channel_of(session: Session, message_id: int) -> str:
    """The channel of a stored message."""
    return session.execute(select(Message.channel).where(Message.id == message_id)).scalar_one()


def read_talk(connection: Connection, *, channel: str, sender: str, locked: bool = True) -> Talk:
    """Who has the conversation of a sender. locked: a person who has it keeps it until the transaction ends."""
    row = _TALK.run(connection, {"channel": channel, "sender": sender}).fetchone()
    if row is None:
        return Talk()
    conversation_id, promotion_id, case_id, state = row
    if state == CaseState.TAKEN and locked:
        state = connection.execute(_HELD, {"case_id": case_id}).scalar_one_or_none()  # None: just deleted
    return Talk(conversation_id, None if state == CaseState.CLOSED else state, promotion_id)


def failed_before(connection: Connection, talk: Talk, *, since: datetime) -> bool:
    """Whether the last message of a conversation, small talk aside, was not answered and not handed over either."""
    if talk.conversation_id is None:
        return False
    values = {"conversation_id": talk.conversation_id, "since": since}
    last = _LAST_QUESTION.run(connection, values).fetchone()
    if last is None:
        return False
    kind, stage, lately = last
    return bool(lately) and kind == DecisionKind.FALLBACK and stage in (HandoverStage.REPHRASE, HandoverStage.CONTACT)


def cases_of(session: Session, conversation_id: int) -> list[CaseRow]:
    """Every case of a conversation, oldest first."""
    return list(session.scalars(select(CaseRow).where(CaseRow.conversation_id == conversation_id).order_by(CaseRow.id)))


def replies_of(session: Session, conversation_id: int, *, after: int = 0, limit: int | None = None) -> list[CaseReply]:
    """What people wrote in a conversation after a reply, oldest first."""
    query = select(CaseReply).join(CaseRow, CaseRow.id == CaseReply.case_id)
    query = query.where(CaseRow.conversation_id == conversation_id, CaseReply.id > after)
    return list(session.scalars(query.order_by(CaseReply.id).limit(limit)))


def read_backlog(session: Session) -> Backlog:
    """What waits for somebody to take it."""
    waits = CaseRow.state == CaseState.OPEN
    urgent = func.count().filter(CaseRow.urgent)
    return Backlog(*session.execute(select(func.count(), urgent, func.min(CaseRow.opened_at)).where(waits)).one())
