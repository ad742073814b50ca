"""An SQLite file that is moved away or replaced under a running process: nothing goes where nobody looks."""

import shutil
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from helpdesk.errors import DatabaseFault, UnavailableError
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Conversation
from helpdesk.settings import load_settings


@pytest.fixture
def file(empty_home: Path, tmp_path: Path) -> Path:
    """The file of a database."""
    shutil.copytree(empty_home, tmp_path / "home")
    return tmp_path / "home" / "helpdesk.db"


@pytest.fixture
def opened(file: Path) -> Database:
    """The database, with a connection that is kept."""
    made = open_database(load_settings(home=file.parent))
    store(made, "before")
    return made


def store(database: Database, sender: str) -> None:
    with database.transaction() as connection:
        connection.execute(insert(Conversation).values(channel="rest", sender=sender, created_at=now()))


def senders(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Conversation.sender).order_by(Conversation.id)))


def test_nothing_is_stored_while_it_is_away_and_all_is_there_when_it_is_back(opened: Database, file: Path) -> None:
    """No empty database takes its place."""
    file.rename(file.with_name("elsewhere"))
    for act in (lambda: store(opened, "meanwhile"), lambda: senders(opened)):
        with pytest.raises(UnavailableError, match="is not there") as refused:
            act()
        assert refused.value.fault is DatabaseFault.ABSENT

    assert not file.exists()
    file.with_name("elsewhere").rename(file)
    store(opened, "afterwards")
    assert senders(opened) == ["before", "afterwards"]


def test_one_that_was_replaced_is_written_from_then_on(opened: Database, file: Path, empty_home: Path) -> None:
    """What was open is given up at once."""
    for path in file.parent.glob("helpdesk.db*"):
        path.unlink()
    shutil.copy(empty_home / "helpdesk.db", file)
    store(opened, "afterwards")

    assert senders(opened) == ["afterwards"]
