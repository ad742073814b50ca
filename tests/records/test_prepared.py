"""Statements of the way of a message store what SQLAlchemy's own would, and fail as those do."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import JSON, Connection, bindparam, func, insert, select, text, type_coerce
from sqlalchemy.exc import IntegrityError

from helpdesk.errors import UnavailableError
from helpdesk.records.cases import Talk
from helpdesk.records.conversations import store_message
from helpdesk.records.database import Database, session_over
from helpdesk.records.prepared import Prepared
from helpdesk.records.tables import Conversation, DecisionRow, Message
from helpdesk.records.tables.ranking import of_the_best

AT = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
DECISION: dict[str, Any] = {
    "kind": "answer", "intent": "vpn", "confidence": 1, "out_of_scope": 0.25, "reason": "confident",
    "ranking": [
        {"intent": "vpn", "confidence": 0.5, "nearest": "phrasing:1", "similarity": 0.25, "understood": "the vpn"},
        {"intent": "mail", "confidence": 0.25, "nearest": None, "similarity": None},
    ], "options": ["ä", None], "thresholds": {}, "created_at": AT,
}  # fmt: skip


def store(connection: Connection, *, external_id: str | None = None) -> int:
    return store_message(
        connection,
        Talk(),
        "Hello",
        channel="rest",
        sender="u",
        external_id=external_id,
        decision=DECISION,
        demand_per_hour=30,
    )


def test_what_is_stored_reads_as_it_was_given(database: Database) -> None:
    """Moments, JSON and what is missing included."""
    with database.transaction() as connection:
        message = store(connection)
    with database.read() as session:
        row = session.scalars(select(DecisionRow)).one()

    given = {name: getattr(row, name) for name in DECISION}
    assert (row.message_id, row.told, row.version_id, given) == (message, None, None, DECISION)


def test_a_ranking_is_stored_without_names(database: Database) -> None:
    """Nor what is not known at the end of a row."""
    with database.transaction() as connection:
        store(connection)
        stored = connection.execute(select(type_coerce(DecisionRow.ranking, JSON))).scalar_one()

    assert stored == [["vpn", 0.5, "phrasing:1", 0.25, "the vpn"], ["mail", 0.25]]


def test_a_ranking_of_an_earlier_commit_is_read(database: Database) -> None:
    """Its rows are objects, in Python and in SQL."""
    with database.transaction() as connection:
        store(connection)
        connection.execute(text("UPDATE decisions SET ranking = :old"), {"old": json.dumps(DECISION["ranking"])})
        best = connection.execute(select(of_the_best(DecisionRow.ranking, "nearest"))).scalar_one()
        read = connection.execute(select(DecisionRow.ranking)).scalar_one()

    assert (best, read) == ("phrasing:1", DECISION["ranking"])


def test_what_fails_leaves_nothing(database: Database) -> None:
    """Neither message nor conversation."""
    with pytest.raises(ZeroDivisionError), database.transaction() as connection:
        store(connection)
        _ = 1 / 0
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0
        assert session.scalar(select(func.count()).select_from(Conversation)) == 0


def test_a_session_over_the_connection_takes_part(database: Database) -> None:
    """What it adds is committed with the rest, and only then."""
    with database.transaction() as connection:
        with session_over(connection) as session:
            session.add(Conversation(channel="rest", sender="other"))
        store(connection)
        with database.read() as session:
            assert session.scalar(select(func.count()).select_from(Conversation)) == 0
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 2


def test_faults_are_those_of_sqlalchemy(database: Database) -> None:
    """So callers tell a row that is there from a database that is not."""
    table: Any = Conversation.__table__
    names = ("channel", "sender", "created_at")
    add = Prepared(insert(table).values({name: bindparam(name) for name in names}))
    row = {"channel": "rest", "sender": "u", "created_at": AT}
    with pytest.raises(IntegrityError), database.transaction() as connection:
        add.run(connection, row)
        add.run(connection, row)
    with pytest.raises(UnavailableError, match="lacks a table"), database.transaction() as connection:
        Prepared(text("SELECT 1 FROM no_such_place")).run(connection, {})
