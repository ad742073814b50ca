"""What waits to be labelled, and labels that are taken back."""

from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from helpdesk.records import queue, undo
from helpdesk.records.database import Database
from helpdesk.records.queue import QueueItem
from helpdesk.records.queue_counts import queue_lengths
from helpdesk.records.tables import Label


def queued(database: Database, **more: Any) -> list[QueueItem]:
    """What waits; its length is what the page says."""
    with database.read() as session:
        items = queue.items(session, review_below=0.8, limit=99, **more)
        if not more:
            assert sum(queue_lengths(session, review_below=0.8, most=1000).values()) == len(items)
        return items


def undo_newest(session: Session, *, staff_id: int) -> Label:
    """Take back this person's newest label that can be taken back."""
    open_to_undo = or_(Label.undone_at.is_(None), and_(Label.kind == "skip", Label.superseded_by < Label.id))
    newest = select(Label.id).where(Label.staff_id == staff_id, open_to_undo).order_by(Label.id.desc()).limit(1)
    return undo.undo(session, session.scalars(newest).one(), staff_id=staff_id).label
