"""What waits to be labelled."""

from typing import Any

from helpdesk.records import labels
from helpdesk.records.database import Database
from helpdesk.records.labels import QueueItem


def queue(database: Database, **more: Any) -> list[QueueItem]:
    """What waits; its length is what the page says."""
    with database.read() as session:
        items = labels.queue(session, review_below=0.8, limit=99, **more)
        if not more:
            assert sum(labels.queue_lengths(session, review_below=0.8).values()) == len(items)
        return items
