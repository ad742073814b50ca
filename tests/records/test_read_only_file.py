"""A database file that may not be written when it is opened, and may be later."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from helpdesk.errors import DatabaseFault, UnavailableError
from helpdesk.records.database import open_database, upgrade
from helpdesk.records.tables import Intent
from helpdesk.settings import load_settings

NOBODY = 65534
LEAVE_LOG = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("CREATE TABLE left_behind (id INTEGER)")
connection.commit()
os._exit(0)
"""


def test_all_connections_are_opened_anew_once_it_can_be_written() -> None:
    """SQLite's connections of one process share what they know of the file: one that is left keeps all from writing."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = load_settings(home=home)
        made = open_database(settings)
        upgrade(made)
        made.close()
        subprocess.run([sys.executable, "-c", LEAVE_LOG, str(home / "helpdesk.db")], check=True)
        _permit(home, 0o555, 0o444)
        with _without_rights():
            database = open_database(settings)
            with database.read() as one, database.read() as other:
                assert one.scalars(select(Intent.id)).all() == other.scalars(select(Intent.id)).all() == []
            with pytest.raises(UnavailableError) as refused, database.write() as session:
                session.execute(insert(Intent).values(slug="vpn", question="?", answer="!"))
        _permit(home, 0o777, 0o666)
        with _without_rights(), database.write() as session:
            session.execute(insert(Intent).values(slug="vpn", question="?", answer="!"))
        database.close()

    assert refused.value.fault is DatabaseFault.READ_ONLY


def _permit(home: Path, folder: int, files: int) -> None:
    for path in home.iterdir():
        path.chmod(files)
    home.chmod(folder)


@contextmanager
def _without_rights() -> Iterator[None]:
    """Root may write whatever the permissions say; for others they hold as it is."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
