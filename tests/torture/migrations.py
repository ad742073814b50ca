"""Migrations that are killed."""

import tempfile
from pathlib import Path

from forks import fork
from sqlalchemy import MetaData, Table, func, insert, select

from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.settings import load_settings
from torture.stage import Stage

OLD = "0006"
ROWS = 50
KILLED_AT = """
import os, sys
from sqlalchemy import event
from helpdesk.records.database import open_database, upgrade
from helpdesk.settings import load_settings
last, done = int(sys.argv[1]), 0
database = open_database(load_settings())
@event.listens_for(database.engine, "after_cursor_execute")
def count(*arguments):
    global done
    done += 1
    if done == last:
        os.kill(os.getpid(), 9)
upgrade(database)
print(done)
"""


def kill_while_migrating(stage: Stage) -> None:
    """kill -9 after any statement of the way from an old schema to the newest: the old schema and its rows are there,
    and the next run comes to the end."""
    with tempfile.TemporaryDirectory() as folder:
        twin, environment = _old(stage, Path(folder) / "twin")
        twin.close()
        statements = int(_upgrade(stage, environment, "0", code=0))
        database, environment = _old(stage, Path(folder) / "home")
        for _ in stage.rounds():
            when = stage.chance.randrange(1, statements)
            _upgrade(stage, environment, str(when), code=-9)
            found = (database.revision(), _count(database))
            stage.outcome.expect(found == (OLD, ROWS), f"after statement {when} there are {found}")
        upgrade(database)
        stage.outcome.expect(_count(database) == ROWS, f"at the end there are {_count(database)} messages")
        stage.outcome.note("statements", statements)
        database.close()


def _upgrade(stage: Stage, environment: dict[str, str], last: str, *, code: int) -> str:
    run = fork(KILLED_AT, last, environment=environment, folder=stage.folder)
    said, complaints = run.communicate(timeout=600)
    stage.outcome.expect(run.returncode == code, f"at {last} it ended with {run.returncode}: {complaints[-300:]}")
    return said


def _old(stage: Stage, home: Path) -> tuple[Database, dict[str, str]]:
    """A database of an old schema with messages in it, and the environment of commands on it."""
    home.mkdir()
    url = stage.world.postgres.new_database() if stage.world.postgres else None
    database = open_database(load_settings(home=home, database_url=url))
    upgrade(database, to=OLD)
    with database.write() as session:
        tables = MetaData()
        conversations = Table("conversations", tables, autoload_with=session.connection())
        messages = Table("messages", tables, autoload_with=session.connection())
        session.execute(insert(conversations), {"id": 1, "channel": "rest", "sender": "u", "created_at": now()})
        row = {"conversation_id": 1, "channel": "rest", "text": "m", "normalised": "m", "text_key": "m"}
        session.execute(insert(messages), [row | {"id": n + 1, "created_at": now()} for n in range(ROWS)])
    return database, stage.world.environment | {"HELPDESK_HOME": str(home), "HELPDESK_DATABASE_URL": url or ""}


def _count(database: Database) -> int:
    with database.read() as session:
        table = Table("messages", MetaData(), autoload_with=session.connection())
        return session.scalar(select(func.count()).select_from(table)) or 0
