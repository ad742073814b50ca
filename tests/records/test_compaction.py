"""Overwriting what deleted rows left: nobody's message waits longer than a moment for it."""

import threading
from pathlib import Path

from sqlalchemy import insert, select

from helpdesk.records.compaction import compact
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Intent
from helpdesk.settings import Settings


def test_writers_go_on_while_it_waits_for_a_reader(settings: Settings, records: Database) -> None:
    """A backup or a night may read for long: emptying the write-ahead log waits for it, and others write meanwhile."""
    hasty = open_database(settings.model_copy(update={"database_timeout": 0.5}))
    done: list[bool] = []
    with records.read() as reader:
        reader.scalar(select(Intent.id))
        compacting = threading.Thread(target=lambda: done.append(compact(records)))
        compacting.start()
        for number in range(30):
            with hasty.write() as session:
                session.execute(insert(Intent).values(slug=f"intent-{number}", question="?", answer="!"))
            compacting.join(0.05)
        assert compacting.is_alive()
    compacting.join()
    hasty.close()

    assert done == [True]
    assert not Path(f"{records.engine.url.database}-wal").stat().st_size
