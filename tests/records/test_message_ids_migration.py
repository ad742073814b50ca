"""Messages of before keep their ids, which belong to their conversation from then on."""

from pathlib import Path

import pytest
from sqlalchemy import MetaData, Table, func, insert, select, text
from sqlalchemy.exc import IntegrityError

from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.tables import DecisionRow, Message
from helpdesk.settings import load_settings


@pytest.fixture
def before(tmp_path: Path) -> Database:
    """An SQLite database of the nineteenth migration with messages that other rows refer to."""
    database = open_database(load_settings(home=tmp_path))
    upgrade(database, to="0019")
    decision = {"kind": "fallback", "confidence": 0.1, "out_of_scope": 0.2, "reason": "unsure", "ranking": []}
    decision |= {"options": [], "thresholds": {}, "created_at": now()}
    with database.write() as session:
        tables = MetaData()
        tables.reflect(session.connection())
        for number in range(1, 501):
            conversation = {"id": number, "channel": "rest", "sender": str(number), "created_at": now()}
            session.execute(insert(tables.tables["conversations"]), conversation)
            message = {"id": number, "conversation_id": number, "channel": "rest", "external_id": f"x{number}"}
            message |= {"text": "t", "normalised": "t", "text_key": "t", "created_at": now()}
            session.execute(insert(tables.tables["messages"]), message)
            session.execute(insert(tables.tables["decisions"]), decision | {"id": number, "message_id": number})
    return database


def test_on_sqlite_the_rows_stay_and_the_index_follows_the_new_rule(before: Database) -> None:
    """No row is lost, the file is whole, the same id may come from another sender and not twice from one."""
    upgrade(before)
    with before.read() as session:
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert list(session.execute(text("PRAGMA foreign_key_check"))) == []
        assert session.scalar(select(func.count()).select_from(DecisionRow)) == 500
        plan = "EXPLAIN QUERY PLAN SELECT id FROM messages WHERE conversation_id = 3 AND external_id = 'x3'"
        assert "sqlite_autoindex_messages_1" in str(list(session.execute(text(plan))))
        found = select(Message.id).where(Message.conversation_id == 77, Message.external_id == "x77")
        assert session.scalars(found).one() == 77

    row = {"channel": "rest", "external_id": "x1", "text": "t", "normalised": "t", "text_key": "t"}
    with before.write() as session:
        session.execute(insert(Message), row | {"conversation_id": 2})
    with pytest.raises(IntegrityError), before.write() as session:
        session.execute(insert(Message), row | {"conversation_id": 1})
    before.close()


def test_a_message_table_of_an_old_installation_is_changed_too(tmp_path: Path) -> None:
    """The text of the constraint that is replaced is the one that the first migration wrote."""
    database = open_database(load_settings(home=tmp_path))
    upgrade(database)
    with database.read() as session:
        sql = session.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'messages'"))
        table = Table("messages", MetaData(), autoload_with=session.connection())
    assert "uq_messages_conversation_id_external_id" in str(sql)
    assert "external_id" in table.c
    database.close()
