"""Conversations for people to read: a search over what was said, and the thread of one sender."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, literal, select, tuple_
from sqlalchemy.orm import Session, joinedload

from helpdesk.decisions import DecisionKind
from helpdesk.errors import NotFoundError
from helpdesk.records.periods import Period
from helpdesk.records.tables import Conversation, DecisionRow, Label, Message, UtcDateTime

LOOKED_AT = 50_000  # messages that one search reads at most
SENDERS = 100
OUTCOMES: dict[str, tuple[str, ...]] = {
    "answered": (DecisionKind.ANSWER,),
    "asked_back": (DecisionKind.CLARIFY,),
    "not_answered": (DecisionKind.FALLBACK, DecisionKind.HANDOFF),
    "small_talk": (DecisionKind.SMALLTALK,),
    "with_person": (DecisionKind.PERSON,),
}


@dataclass(frozen=True)
class Search:
    """Which messages are wanted.

    text: normalised, found anywhere in the normalised message; sender: the very one; outcome: a key of OUTCOMES;
    intents: the slugs of one entry, former ones too, that the message was answered with.
    """

    period: Period = field(default_factory=lambda: Period(None))
    text: str = ""
    sender: str = ""
    outcome: str | None = None
    intents: Collection[str] = ()

    @property
    def plain(self) -> bool:
        """Whether every message of the period is wanted."""
        return not (self.text or self.outcome or self.intents)


@dataclass(frozen=True)
class Exchange:
    """One message with what was decided about it, and the conversation that it is of."""

    message: Message
    decision: DecisionRow
    conversation: Conversation


@dataclass(frozen=True)
class Found:
    """The messages that were found, newest first.

    before: the message to search on from, None when there is nothing older; looked_back_to: when that message came, if
    the search ended there because it had read enough.
    """

    rows: list[Exchange]
    before: int | None = None
    looked_back_to: datetime | None = None


@dataclass(frozen=True)
class Thread:
    """A part of a conversation, oldest first. earlier: the message before which there are more; later: the first one
    after it, if there is one."""

    conversation: Conversation
    rows: list[Exchange]
    earlier: int | None
    later: int | None


def find_messages(session: Session, search: Search, *, limit: int, before: int | None = None) -> Found:
    """The newest messages that are wanted, older than the message `before`. Reads at most LOOKED_AT of them.

    Raises NotFoundError when there is no message `before`.
    """
    looked = _looked_at(session, search, limit=limit + 1 if search.plain else LOOKED_AT, before=before)
    rows = _read(session, _wanted(looked, search, limit=limit + 1))
    if len(rows) > limit:
        return Found(rows[:limit], before=rows[limit - 1].message.id)
    last = looked.with_only_columns(Message.id, Message.created_at).limit(1).offset(LOOKED_AT - 1)
    end = None if search.plain else session.execute(last).one_or_none()
    return Found(rows) if end is None else Found(rows, before=end.id, looked_back_to=end.created_at)


def read_thread(
    session: Session, conversation_id: int, *, limit: int, before: int | None = None, around: int | None = None
) -> Thread:
    """The newest messages of a conversation, of those before a message, or some on both sides of one, that one too.

    Raises NotFoundError when there is no such conversation.
    """
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise NotFoundError(f"no conversation {conversation_id}")
    ids = select(Message.id).where(Message.conversation_id == conversation_id)
    older = ids.order_by(Message.id.desc())
    if around is None:
        last = ids.where(Message.id < before) if before is not None else ids
        numbers = list(session.scalars(last.order_by(Message.id.desc()).limit(limit)))
    else:
        numbers = list(session.scalars(older.where(Message.id < around).limit(limit // 5)))
        rest = limit - len(numbers)
        numbers += session.scalars(ids.where(Message.id >= around).order_by(Message.id).limit(rest))
    if not numbers:
        return Thread(conversation, [], None, None)
    first, newest = min(numbers), max(numbers)
    earlier = session.scalar(older.where(Message.id < first).limit(1))
    later = session.scalar(ids.where(Message.id > newest).order_by(Message.id).limit(1))
    rows = sorted(_read(session, numbers), key=lambda said: said.message.id)
    return Thread(conversation, rows, earlier=first if earlier else None, later=later)


def labels_of(session: Session, text_keys: Collection[str]) -> dict[str, list[Label]]:
    """Text key -> the labels that count for it, with entries and authors; texts without one are left out."""
    query = select(Label).where(Label.text_key.in_(text_keys), Label.undone_at.is_(None)).order_by(Label.id)
    found: dict[str, list[Label]] = {}
    for label in session.scalars(query.options(joinedload(Label.intent), joinedload(Label.staff))):
        found.setdefault(label.text_key, []).append(label)
    return found


def _looked_at(session: Session, search: Search, *, limit: int, before: int | None) -> Select[Any]:
    """The newest messages of period, channel and sender, whatever they say."""
    columns: list[Any] = [Message.id, Message.created_at, *([Message.normalised] if search.text else [])]
    query: Select[Any] = select(*columns)
    query = query.where(search.period.holds)
    if search.sender:
        query = query.where(Message.conversation_id.in_(_of_sender(session, search)))
    if before is not None:
        moment = session.scalar(select(Message.created_at).where(Message.id == before))
        if moment is None:
            raise NotFoundError(f"no message {before} to search on from")
        place = tuple_(literal(moment, UtcDateTime()), literal(before))
        query = query.where(Message.created_at <= moment, tuple_(Message.created_at, Message.id) < place)
    return query.order_by(Message.created_at.desc(), Message.id.desc()).limit(limit)


def _of_sender(session: Session, search: Search) -> Sequence[int]:
    """The conversations of a sender, on every channel that is wanted."""
    query = select(Conversation.id).where(Conversation.sender == search.sender).limit(SENDERS)
    channel = search.period.channel
    return session.scalars(query if channel is None else query.where(Conversation.channel == channel)).all()


def _wanted(looked: Select[Any], search: Search, *, limit: int) -> Select[Any]:
    """Of these the ones that say and got what is wanted. Subqueries of one row each, so that no database begins with
    all decisions of a kind."""
    rows = looked.subquery("looked")
    query = select(rows.c.id).order_by(rows.c.created_at.desc(), rows.c.id.desc()).limit(limit)
    if search.text:
        query = query.where(rows.c.normalised.contains(search.text, autoescape=True))
    of_it = DecisionRow.message_id == rows.c.id
    if search.outcome is not None:
        query = query.where(select(DecisionRow.kind).where(of_it).scalar_subquery().in_(OUTCOMES[search.outcome]))
    if search.intents:
        query = query.where(select(DecisionRow.intent).where(of_it).scalar_subquery().in_(search.intents))
    return query


def _read(session: Session, wanted: Select[Any] | Sequence[int]) -> list[Exchange]:
    """Messages by their ids, newest first."""
    numbers = wanted if isinstance(wanted, Sequence) else session.scalars(wanted).all()
    query = (
        select(Message, DecisionRow, Conversation)
        .join(DecisionRow, DecisionRow.message_id == Message.id)
        .join(Conversation, Conversation.id == Message.conversation_id)
        .where(Message.id.in_(numbers))
        .order_by(Message.created_at.desc(), Message.id.desc())
    )
    return [Exchange(*row) for row in session.execute(query)]
