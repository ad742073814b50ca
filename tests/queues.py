"""What waits to be labelled."""

from typing import Any

from helpdesk.records import queue
from helpdesk.records.database import Database
from helpdesk.records.queue import QueueItem


def queued(database: Database, **more: Any) -> list[QueueItem]:
    """What waits; its length is what the page says."""
    with database.read() as session:
        items = queue.items(session, review_below=0.8, limit=99, **more)
        if not more:
            assert sum(queue.queue_lengths(session, review_below=0.8).values()) == len(items)
        return items
