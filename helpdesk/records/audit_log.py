"""Who changed what: one row an action, written in the transaction of the action, never changed."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from helpdesk.records.tables import AuditLogRow

COMMAND_LINE = "command line"  # the author of what a command did
A_BATCH = 1000


def note(session: Session, action: str, *, author: str, subject: str = "", **details: Any) -> None:
    """Add one row: `author` did `action` (a verb with its kind, as `faq.edited`) to `subject`, which people recognise.

    details: whatever else tells what was done, as JSON can hold it; never a password or a token.
    """
    session.add(AuditLogRow(action=action, author=author[:80], subject=subject[:200], details=details))


def read_log(
    session: Session, *, author: str = "", kind: str = "", before: int | None = None, limit: int = A_BATCH
) -> list[AuditLogRow]:
    """Rows newest first, from the one before an id on; of one author, of one kind (`faq`), or of all."""
    query = _newest_first(author, kind).limit(limit)
    return list(session.scalars(query if before is None else query.where(AuditLogRow.id < before)))


def read_whole_log(session: Session, *, author: str = "", kind: str = "") -> Iterator[AuditLogRow]:
    """Every row of an author and a kind, newest first, read in batches."""
    before = None
    while rows := read_log(session, author=author, kind=kind, before=before):
        yield from rows
        before = rows[-1].id
        session.expunge_all()


def _newest_first(author: str, kind: str) -> Select[AuditLogRow]:
    query = select(AuditLogRow).order_by(AuditLogRow.id.desc())
    if author:
        query = query.where(AuditLogRow.author == author)
    if kind:
        query = query.where(AuditLogRow.action.startswith(f"{kind}.", autoescape=True))
    return query
