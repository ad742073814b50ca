"""Who changed what: one row an action, written in the transaction of the action, never changed."""

from typing import Any

from sqlalchemy.orm import Session

from helpdesk.records.tables import AuditLogRow


def note(session: Session, action: str, *, author: str, subject: str = "", **details: Any) -> None:
    """Add one row: `author` did `action` (a verb with its kind, as `faq.edited`) to `subject`, which people recognise.

    details: whatever else tells what was done, as JSON can hold it; never a password or a token.
    """
    session.add(AuditLogRow(action=action, author=author[:80], subject=subject[:200], details=details))
