"""No id is given twice, whatever is deleted; old databases are brought to that with all that they hold."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, delete, func, insert, select, text

from helpdesk.records.clock import now
from helpdesk.records.copies import copy_in, copy_out, renew_copy
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.erasure import traces_left
from helpdesk.records.tables import Conversation, ErasureRow, Message, Table
from helpdesk.settings import Settings, load_settings
from helpdesk.text import text_key

NUMBERED = [table.name for table in Table.metadata.sorted_tables if table.autoincrement_column is not None]
BEFORE = "0036"


def talk(database: Database, sender: str) -> int:
    """One conversation; its id."""
    with database.write() as session:
        row = Conversation(channel="rest", sender=sender)
        session.add(row)
        session.flush()
        return row.id


def forget(database: Database) -> None:
    """Delete every conversation."""
    with database.write() as session:
        session.execute(delete(Conversation))


def test_an_id_is_given_once(database: Database) -> None:
    """Also when the newest row was deleted."""
    first = talk(database, "eve")
    forget(database)
    assert talk(database, "bob") > first


def test_every_table_with_numbers_keeps_to_that(tmp_path: Path) -> None:
    """What migrations made, also those to come."""
    database = open_database(load_settings(home=tmp_path))
    upgrade(database)
    with database.read() as session:
        made = session.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"))
        assert set(made.scalars()) == set(NUMBERED)
    database.close()


def settings_of(database: Database, home: Path) -> Settings:
    """Settings that lead to a database of either kind."""
    return load_settings(home=home, database_url=database.engine.url.render_as_string(hide_password=False))


def test_a_copy_gives_no_id_again(database: Database, tmp_path: Path) -> None:
    """Out of either kind into SQLite, and back."""
    settings = settings_of(database, tmp_path)
    for sender in ("eve", "bob"):
        last = talk(database, sender)
        forget(database)
    copy_out(settings, database, tmp_path / "copy")
    copied = open_database(load_settings(home=tmp_path, database_url=f"sqlite:///{tmp_path / 'copy'}"))
    assert talk(copied, "eve") == last + 1
    forget(copied)
    copied.close()
    renew_copy(settings, tmp_path / "copy")
    copy_in(settings, tmp_path / "copy", database)
    assert talk(database, "eve") == last + 2


def test_an_older_copy_gives_no_id_of_what_it_replaced(database: Database, tmp_path: Path) -> None:
    """Logs, clients and certificates name rows by ids that were given after the backup."""
    settings = settings_of(database, tmp_path)
    copy_out(settings, database, tmp_path / "copy")
    last = talk(database, "eve")
    renew_copy(settings, tmp_path / "copy")
    copy_in(settings, tmp_path / "copy", database)
    assert talk(database, "bob") > last


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Database]:
    """An SQLite database of the migration before with three messages of ten, and an erasure that waits for label 1."""
    database = open_database(load_settings(home=tmp_path))
    upgrade(database, to=BEFORE)
    moment = {"created_at": now()}
    rows: dict[str, list[dict[str, Any]]] = {
        "staff": [{"id": 1, "name": "a", "password_hash": "x", "session_token": "t", "role": "admin", "active": True}],
        "conversations": [{"id": 1, "channel": "rest", "sender": "u"}],
        "messages": [
            {"id": n, "conversation_id": 1, "channel": "rest", "text": "m", "normalised": "m", "text_key": "m"}
            for n in (1, 2, 3)
        ],
        "labels": [
            {"id": 1, "message_id": 1, "text": "m", "normalised": "m", "text_key": "m", "kind": "skip", "staff_id": 1}
            | {"split": "train", "group_key": "g"}
        ],
    }
    with database.write() as session:
        tables = MetaData()
        tables.reflect(session.connection())
        for name, some in rows.items():
            session.execute(insert(tables.tables[name]), [row | moment for row in some])
        traces = {"keys": [text_key("zyxo")], "rows": ["label:1", "label:2", "phrasing:9"]}
        erasure = {"erased_at": now(), "author": "a", "scope": "sender", "subject": "s", "entries": []}
        erasure |= {"counts": {"messages": 2, "labels": 1, "report files": 3}, "traces": traces}
        session.execute(insert(tables.tables["erasures"]), erasure)
        session.execute(insert(tables.tables["counted_days"]), {"day": now().date(), "so_far": {}})
        total = {"day": now().date(), "channel": "rest", "kind": "answer", "reason": "r", "count": 10}
        session.execute(insert(tables.tables["day_totals"]), total)
    yield database
    database.close()


def indexes(database: Database) -> list[Any]:
    """Every index with its text, and the names of those of constraints."""
    with database.read() as session:
        query = "SELECT tbl_name, name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        return list(session.execute(text(query)).tuples())


def test_an_old_database_keeps_all_that_it_holds(old: Database) -> None:
    """Rows, ids, indexes, rules; and numbers go on above what was ever given, as far as that is known."""
    before = indexes(old)
    upgrade(old, to="0037")
    assert indexes(old) == before
    upgrade(old)
    with old.write() as session:
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert list(session.execute(text("PRAGMA foreign_key_check"))) == []
        assert list(session.scalars(select(Message.id).order_by(Message.id))) == [1, 2, 3]
        session.execute(text("DELETE FROM labels"))
        session.execute(text("DELETE FROM messages WHERE id > 1"))
        message = {"conversation_id": 1, "channel": "rest", "text": "n", "normalised": "n", "text_key": "n"}
        session.execute(insert(Message), message)
        assert session.scalar(select(func.max(Message.id))) == 11
        last: dict[str, int] = dict(session.execute(text("SELECT name, seq FROM sqlite_sequence")).tuples().all())
    assert (last["labels"], last["conversations"], last["cases"]) == (2, 1, 0)


def test_an_erasure_that_waits_for_a_row_of_another_text_waits_no_more(old: Database) -> None:
    """Label 1 is somebody else's now; what is gone, and the key of the text, are looked for as before."""
    upgrade(old)
    with old.read() as session:
        assert traces_left(session) == {text_key("zyxo"), "label:2", "phrasing:9"}


def test_a_finished_erasure_stays_finished(old: Database) -> None:
    """It has no traces."""
    with old.write() as session:
        session.execute(text("UPDATE erasures SET traces = NULL"))
    upgrade(old)
    with old.read() as session:
        assert session.scalars(select(ErasureRow.traces)).one() is None
