"""Erasures that a restored backup has undone: the home has their certificates, the database has the messages again."""

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from helpdesk.records.certificates import CERTIFICATES
from helpdesk.records.erasure import CONVERSATION, MESSAGE, SENDER, ErasureScope
from helpdesk.records.tables import Conversation, ErasureRow, Message

_A_SECOND: Final = timedelta(seconds=1)  # to which certificates tell the time


@dataclass(frozen=True)
class UndoneErasure:
    """Something that was erased and is there again. certificate: the name of its file; command: which erases it."""

    certificate: str
    erased_at: datetime
    command: str


def undone_erasures(session: Session, home: Path) -> list[UndoneErasure]:
    """What must be erased again: messages of before an erasure that nothing has repeated since."""
    told = list(_certificates(home))
    known = {(row.scope, row.subject): row.erased_at for row in session.scalars(_oldest_first())}
    unknown = [
        (file, facts, at)
        for file, facts, at in told
        if (erased := known.get((facts["scope"], facts["subject"]))) is None or erased < at
    ]
    senders = _senders(session) if any(facts["scope"] == SENDER for _, facts, _ in unknown) else {}
    found = []
    for file, facts, at in unknown:
        wanted = _meant(facts, senders)
        if wanted is not None and _is_there(session, wanted, before=at + _A_SECOND):
            found.append(UndoneErasure(file, at, _command(wanted)))
    return found


def _certificates(home: Path) -> Iterator[tuple[str, dict[str, Any], datetime]]:
    for path in sorted((home / CERTIFICATES).glob("*.json")):
        try:
            facts = json.loads(path.read_bytes())
            yield path.name, facts, datetime.fromisoformat(facts["erased_at"])
        except (OSError, ValueError, KeyError, TypeError):
            continue


def _oldest_first() -> Any:
    return select(ErasureRow).order_by(ErasureRow.erased_at)


def _senders(session: Session) -> dict[str, ErasureScope]:
    """How a certificate names each sender, on one channel and on all."""
    found = {}
    for channel, sender in session.execute(select(Conversation.channel, Conversation.sender)).tuples():
        for scope in (ErasureScope(SENDER, sender=sender, channel=channel), ErasureScope(SENDER, sender=sender)):
            found[scope.subject] = scope
    return found


def _meant(facts: Mapping[str, Any], senders: Mapping[str, ErasureScope]) -> ErasureScope | None:
    if facts["scope"] == SENDER:
        return senders.get(facts["subject"])
    return ErasureScope(facts["scope"], number=int(facts["subject"].rpartition(" ")[2]))


def _is_there(session: Session, wanted: ErasureScope, *, before: datetime) -> bool:
    older = select(Message.id).where(wanted.where, Message.created_at < before)
    return session.scalar(older.limit(1)) is not None


def _command(wanted: ErasureScope) -> str:
    if wanted.scope in (CONVERSATION, MESSAGE):
        return f"helpdesk erase --{wanted.scope} {wanted.number}"
    channel = () if wanted.channel is None else ("--channel", wanted.channel)
    return shlex.join(("helpdesk", "erase", "--sender", wanted.sender, *channel))
