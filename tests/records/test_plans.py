"""Pages and metrics begin with the few rows that they show: no plan reads all messages, decisions or asked texts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, inspect, text
from sqlalchemy.orm import Session

from helpdesk.records import agreement, audit, case_counts, cases, day_counts, feedback, queue, queue_counts, traffic
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.day_totals import count_days, count_kinds
from helpdesk.records.deliveries import count_by_state
from helpdesk.records.periods import Period

LARGE = {"messages", "decisions", "asked_texts", "deliveries", "cases", "feedback", "conversations"}
MESSAGES, APART = 12_000, 43  # minutes: a year of traffic
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
MONTH = Period(TODAY - timedelta(days=30), TODAY + timedelta(days=1))
Read = Callable[[Session], object]
READINGS: dict[str, Read] = {
    "metrics: messages by decision": count_kinds,
    "metrics: deliveries": count_by_state,
    "metrics: cases": cases.read_backlog,
    "desk: lengths of the tabs": lambda session: queue_counts.queue_lengths(session, review_below=0.8, most=100),
    "desk: cards": lambda session: queue.items(session, review_below=0.8, limit=30),
    "desk: audit sample": lambda session: audit.audit_queue(session, since=now() - timedelta(days=30), limit=7),
    "report: gaps": lambda session: traffic.content_gaps(session, MONTH, limit=8),
    "report: confusions": lambda session: agreement.read_confusions(session, MONTH),
    "report: ratings": lambda session: feedback.count_ratings(session, MONTH),
    "report: ratings of entries": lambda session: feedback.ratings_by_intent(session, MONTH),
    "report: cases": lambda session: case_counts.read_case_counts(session, MONTH),
    "report: days": lambda session: day_counts.read_day_counts(session, MONTH),
    "report: answers": lambda session: day_counts.read_answers(session, MONTH),
    "report: audit sample": lambda session: audit.read_sample(session, since=TODAY, review_below=0.8),
}
NUMBERS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :most)"
FILLED = """
INSERT INTO conversations (id, channel, sender, created_at) {n} SELECT i, 'rest', 'person ' || i, {at} FROM n;
INSERT INTO messages (id, conversation_id, channel, text, normalised, text_key, created_at)
    {n} SELECT i, i, 'rest', 'text ' || i, 'text ' || i, 'key ' || i, {at} FROM n;
INSERT INTO decisions (id, message_id, kind, intent, confidence, out_of_scope, reason, ranking, options, thresholds,
    inclusion_probability, created_at)
    {n} SELECT i, i, CASE i % 8 WHEN 0 THEN 'fallback' WHEN 1 THEN 'clarify' ELSE 'answer' END,
    CASE WHEN i % 8 > 1 THEN 'vpn' END, (i % 100) / 100.0, 0.1, 'confident', '[]', '[]', '{{}}',
    CASE WHEN i % 50 = 0 THEN 0.02 END, {at} FROM n;
INSERT INTO asked_texts (text_key, normalised, count, first_id, newest_id, kind, reason, confidence, place, open,
    later, put_back, disliked)
    SELECT text_key, normalised, 1, m.id, m.id, kind, reason, confidence, confidence - 1.05, true, false, false, false
    FROM messages m JOIN decisions d ON d.message_id = m.id;
INSERT INTO feedback (message_id, said, at) {n} SELECT i, 'helpful', {at} FROM n WHERE i % 40 = 0;
INSERT INTO cases (conversation_id, message_id, reason, urgent, state, taken_by, opened_at, closed_at)
    {n} SELECT i, i, 'asked', false, 'closed', 'bea', {at}, {at} FROM n WHERE i % 40 = 0;
INSERT INTO deliveries (key, receiver, message_id, payload, state, attempts, due_at, created_at)
    {n} SELECT 'hd-' || i, 'slack', i, '{{}}', 'sent', 1, {at}, {at} FROM n;
INSERT INTO staff (id, name, password_hash, session_token, role, active, created_at)
    SELECT 1, 'bea', 'x', 'x', 'labeller', true, {at} FROM (SELECT 1 AS i) n;
INSERT INTO labels (message_id, text, normalised, text_key, kind, split, group_key, staff_id, created_at)
    {n} SELECT i, 'text ' || i, 'text ' || i, 'key ' || i, 'out_of_scope', 'train', 'key ' || i, 1, {at} FROM n
    WHERE i % 100 = 0;
"""
MOMENT = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f', :start, (i * :apart) || ' minutes') || '000'",
    "postgresql": "CAST(:start AS timestamptz) + make_interval(mins => i * :apart)",
}


@pytest.fixture
def year(database: Database) -> Database:
    """A year of messages, counted up to yesterday."""
    start = now() - timedelta(minutes=APART * MESSAGES)
    values = {"start": start.strftime("%Y-%m-%d %H:%M:%S"), "most": MESSAGES, "apart": APART}
    with database.write() as session:
        for statement in FILLED.format(n=NUMBERS, at=MOMENT[database.dialect]).split(";")[:-1]:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            session.execute(text(statement), used)
    count_days(database)
    return database


def analyze(database: Database) -> None:
    """Let the database look at its tables."""
    with database.write() as session:
        session.execute(text("ANALYZE"))


@contextmanager
def noted(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are executed meanwhile."""
    found: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: object) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH")):
            found.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    yield found
    event.remove(database.engine, "before_cursor_execute", note)


def whole_tables(database: Database, read: Read) -> list[str]:
    """The steps of a reading that go through one of the large tables from end to end.

    What counts up to a limit may do so on PostgreSQL, which then takes whatever meets the limit soonest.
    """
    with noted(database) as statements, database.read() as session:
        read(session)
    explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
    with database.read() as session:
        connection = session.connection()
        rows = [row for sql, values in statements for row in connection.exec_driver_sql(explain + sql, values)]
    steps = [str(row[-1]).strip() for row in rows]
    assert steps, "nothing was read"
    scan = "SCAN {}" if database.dialect == "sqlite" else "Seq Scan on {}"
    tables = LARGE if database.dialect == "sqlite" else LARGE - {"asked_texts"}
    return [step for step in steps for table in tables if f"{scan.format(table)} " in f"{step} "]


def test_the_deletion_of_a_row_reads_no_large_table_whole(database: Database) -> None:
    """The database looks for rows that refer to it, so every reference to a large table begins an index of all rows."""
    inspector: Any = inspect(database.engine)
    lacking = []
    for table in LARGE | {"case_replies", "labels"}:
        indexes = [one for one in inspector.get_indexes(table) if not any("where" in name for name in _options(one))]
        begun = {one["column_names"][0] for one in (*indexes, *inspector.get_unique_constraints(table))}
        begun.add(inspector.get_pk_constraint(table)["constrained_columns"][0])
        lacking += [
            f"{table}.{key['constrained_columns'][0]}"
            for key in inspector.get_foreign_keys(table)
            if key["referred_table"] in LARGE | {"case_replies"} and key["constrained_columns"][0] not in begun
        ]

    assert lacking == []


def _options(index: Any) -> dict[str, Any]:
    return dict(index.get("dialect_options") or {})


@pytest.mark.parametrize("looked_at", [False, True], ids=["never analyzed", "analyzed"])
def test_no_plan_reads_a_large_table_whole(year: Database, looked_at: bool) -> None:
    """On both databases. PostgreSQL looks at its tables by itself, so there that is the only case."""
    if looked_at or year.dialect == "postgresql":
        analyze(year)
    found = {name: whole_tables(year, read) for name, read in READINGS.items()}
    assert {name: steps for name, steps in found.items() if steps} == {}


def test_a_plan_that_reads_a_table_whole_is_noticed(year: Database) -> None:
    """As a search for a part of a text does."""
    analyze(year)
    found = whole_tables(year, lambda session: session.execute(text("SELECT count(*) FROM messages m, messages")))
    assert found
