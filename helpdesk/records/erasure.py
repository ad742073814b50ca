"""Erasure: a person's messages go, and everything that was made of them. A certificate says what and when."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from helpdesk.errors import NotFoundError
from helpdesk.records import audit_log, faq_history, leases
from helpdesk.records.message_deletion import IDS_AT_ONCE, among, delete_labels, delete_messages, lock_messages
from helpdesk.records.scrubbing import Scrubber, scrub_columns, scrub_reports
from helpdesk.records.staff_texts import entries_that_say, saying, texts_of_staff
from helpdesk.records.tables import (
    AdditionVector,
    CardLease,
    Conversation,
    ErasureRow,
    Example,
    GoldenPhraseRow,
    Intent,
    Label,
    Message,
    Phrasing,
    Table,
)
from helpdesk.records.uploads import drop_uploads

SENDER, CONVERSATION, MESSAGE = "sender", "conversation", "message"
REPLAY_FOLDER: Final = "replay"  # vectors of replayed messages, which the next night computes anew


@dataclass(frozen=True)
class ErasureScope:
    """What is to be erased: everything of a sender (on one channel, or on all), a conversation, or one message."""

    scope: str
    sender: str = ""
    channel: str | None = None
    number: int = 0

    @property
    def subject(self) -> str:
        """How the certificate names it: who knows the sender can tell that it is theirs, and nobody else."""
        if self.scope != SENDER:
            return f"{self.scope} {self.number}"
        named = "\0".join((self.channel or "", self.sender))
        return f"sha256:{hashlib.sha256(named.encode()).hexdigest()}"

    @property
    def where(self) -> ColumnElement[bool]:
        """Which messages are meant."""
        if self.scope == MESSAGE:
            return Message.id == self.number
        if self.scope == CONVERSATION:
            return Message.conversation_id == self.number
        talks = select(Conversation.id).where(Conversation.sender == self.sender)
        if self.channel is not None:
            talks = talks.where(Conversation.channel == self.channel)
        return Message.conversation_id.in_(talks)


@dataclass
class _Gone:
    """What goes: the messages, the texts (by key) that nobody else wrote, since when there were messages with each, and
    the rows that were made of these."""

    messages: Sequence[Message]
    texts: dict[str, str]
    since: dict[str, datetime]
    rows: list[str] = field(default_factory=list)
    entries: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def keys(self) -> list[str]:
        return sorted(self.texts)


def erase(session: Session, wanted: ErasureScope, *, author: str, home: Path) -> ErasureRow:
    """Erase, in this transaction, and write the certificate's row. Files of the home are cleaned before it commits.

    Versions that are built already still know vectors and keys of what was labelled: nights see to these.
    Raises NotFoundError when there is no such message, BusyError while a night runs, which has read them already.
    """
    leases.require_free(session)
    lock_messages(session, session.scalars(select(Message.id).where(wanted.where)).all())
    found = session.scalars(select(Message).where(wanted.where).order_by(Message.id)).all()
    if not found:
        raise NotFoundError(f"there is no message of this {wanted.scope}; nothing was erased")
    gone = _Gone(found, _own_texts(session, found), _first_written(found))
    _erase_labels(session, gone)
    _leave_texts_of_staff(session, gone)
    _erase_teaching(session, gone, author=author)
    scrub = Scrubber([*gone.texts.values(), *(message.text for message in found if message.text_key in gone.texts)])
    gone.counts += delete_messages(session, [message.id for message in found])
    gone.counts += scrub_columns(session, scrub)
    gone.counts += drop_uploads(session)
    gone.counts["report files"] = scrub_reports(home, scrub)
    shutil.rmtree(home / REPLAY_FOLDER, ignore_errors=True)
    row = ErasureRow(
        author=author[:80],
        scope=wanted.scope,
        subject=wanted.subject,
        counts=dict(+gone.counts),
        entries=sorted(gone.entries),
        traces={"keys": gone.keys, "rows": gone.rows},
    )
    session.add(row)
    session.flush()
    audit_log.note(session, "person.erased", author=author, subject=f"erasure {row.id}", scope=wanted.scope)
    return row


def pending(session: Session) -> list[ErasureRow]:
    """Erasures of which something is left, oldest first."""
    left = or_(ErasureRow.purged_at.is_(None), ErasureRow.compacted_at.is_(None))
    return list(session.scalars(select(ErasureRow).where(left).order_by(ErasureRow.id)))


def list_erasures(session: Session) -> list[ErasureRow]:
    """Newest first."""
    return list(session.scalars(select(ErasureRow).order_by(ErasureRow.id.desc())))


def traces_left(session: Session) -> frozenset[str]:
    """Text keys and row ids by which a bundle that still holds something erased is known."""
    left = session.scalars(select(ErasureRow).where(ErasureRow.purged_at.is_(None)))
    return frozenset(trace for row in left if row.traces for trace in (*row.traces["keys"], *row.traces["rows"]))


def _own_texts(session: Session, found: Sequence[Message]) -> dict[str, str]:
    """Text key -> text of the messages whose text nobody else has written."""
    texts = {message.text_key: message.text for message in found if message.normalised}
    own, keys = Counter(message.text_key for message in found), sorted(texts)
    for start in range(0, len(keys), IDS_AT_ONCE):
        same = select(Message.text_key, func.count()).where(Message.text_key.in_(keys[start : start + IDS_AT_ONCE]))
        for key, count in session.execute(same.group_by(Message.text_key)):
            if count > own[key]:
                del texts[key]
    return texts


def _first_written(found: Sequence[Message]) -> dict[str, datetime]:
    moments: dict[str, datetime] = {}
    for message in found:
        moments[message.text_key] = min(message.created_at, moments.get(message.text_key, message.created_at))
    return moments


def _leave_texts_of_staff(session: Session, gone: _Gone) -> None:
    """What staff had without the person is not erased. Entries that say it are named: people look at them."""
    since = {key: gone.since[key] for key in gone.texts}
    gone.entries |= entries_that_say(session, gone.texts, since)
    for key in texts_of_staff(session, gone.texts, since):
        del gone.texts[key]


def _erase_labels(session: Session, gone: _Gone) -> None:
    """Labels whose text is nobody else's go; the others are henceforth of a message of somebody else."""
    ids = [message.id for message in gone.messages]
    for label in session.scalars(select(Label).where(or_(*among(Label.message_id, ids)))).all():
        other = None
        if label.text_key not in gone.texts:
            same = select(Message).where(Message.text_key == label.text_key, ~or_(*among(Message.id, ids)))
            other = session.scalars(same.order_by(Message.id.desc()).limit(1)).first()
        if other is None:
            gone.texts.setdefault(label.text_key, label.text)
            gone.since.setdefault(label.text_key, label.created_at)
        else:
            label.message_id, label.text = other.id, other.text
    session.flush()
    theirs = select(Label.id).where(or_(*among(Label.text_key, gone.keys)))
    numbers = list(session.scalars(theirs))
    gone.counts["labels"] = delete_labels(session, numbers) if numbers else 0
    gone.rows += [f"label:{number}" for number in numbers]


def _erase_teaching(session: Session, gone: _Gone, *, author: str) -> None:
    """Phrasings that an editor made of the texts, promises and examples."""
    changed: dict[int, Intent] = {}
    for phrasing in session.scalars(select(Phrasing).where(or_(*among(Phrasing.text_key, gone.keys)))).all():
        gone.rows.append(f"phrasing:{phrasing.id}")
        changed[phrasing.intent_id] = phrasing.intent
        session.delete(phrasing)
        gone.counts["phrasings"] += 1
    session.flush()
    for intent in changed.values():
        session.expire(intent, ["phrasings"])
    if changed:
        faq_history.note_all(session, list(changed.values()), "erased", author=author)
    steps: tuple[tuple[type[Table], ColumnElement[bool]], ...] = (
        (AdditionVector, or_(*among(AdditionVector.text_key, gone.keys))),
        (GoldenPhraseRow, or_(*among(GoldenPhraseRow.text_key, gone.keys))),
        (Example, saying(gone.texts)),
        (CardLease, or_(*among(CardLease.text_key, gone.keys))),
    )
    for table, where in steps:
        found = session.execute(delete(table).where(where).execution_options(synchronize_session=False))
        gone.counts[table.__tablename__] += found.rowcount  # type: ignore[attr-defined]
