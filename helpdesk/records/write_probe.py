"""Whether anything can be stored, found out by storing something."""

from sqlalchemy import insert
from sqlalchemy.orm import Session

from helpdesk.records import versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import WriteProbe

_ROOM = "x" * 16_384  # what a message with its decision needs at most, nearly always


def probe(database: Database) -> int | None:
    """Write one row, as a message is written, and read which version is promoted; None when none is.

    Raises UnavailableError.
    """
    with database.write() as session:
        if database.dialect == "sqlite":
            _find_room(session)
        row = session.get(WriteProbe, 1)
        if row is None:
            session.add(WriteProbe(id=1, at=now(), filling=""))
        else:
            row.at = now()
        current = versions.current(session)
        return None if current is None else current.version_id


def _find_room(session: Session) -> None:
    """Let SQLite find pages for a message, and give them back: one small row alone fits into a page that it has."""
    connection = session.connection()
    connection.exec_driver_sql("SAVEPOINT room")
    connection.execute(insert(WriteProbe).values(id=2, at=now(), filling=_ROOM))
    connection.exec_driver_sql("ROLLBACK TO room")
    connection.exec_driver_sql("RELEASE room")
