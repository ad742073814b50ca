"""A database of an earlier version is brought up to date, and its rows stay."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from queues import undo_newest
from sqlalchemy import MetaData, Table, create_engine, insert, make_url, select, text
from sqlalchemy.exc import IntegrityError

from helpdesk.records import faq, faq_history, heartbeats, labels, relabel_requests
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.tables import DecisionRow, Label, Lease
from helpdesk.settings import load_settings

_numbers = itertools.count()
START = now() - timedelta(days=30)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind without a schema."""
    if request.param == "sqlite":
        yield open_database(load_settings(home=tmp_path))
        return
    server = make_url(request.getfixturevalue("postgresql_url"))
    name = f"old_{next(_numbers)}"
    administration = create_engine(server, isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    url = server.set(database=name).render_as_string(hide_password=False)
    opened = open_database(load_settings(home=tmp_path, database_url=url))
    yield opened
    opened.close()
    with administration.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administration.dispose()


def fill(database: Database, table: str, *rows: dict[str, object]) -> None:
    """Rows as an earlier version wrote them, their tables as the database has them."""
    with database.write() as session:
        reflected = Table(table, MetaData(), autoload_with=session.connection())
        for row in rows:
            session.execute(insert(reflected), row)


def old_label(
    number: int, text_key: str, *, day: int, undone: int | None = None, kind: str = "intent"
) -> dict[str, object]:
    """A label of the days since the start, undone on another day, as before the seventh migration."""
    return {
        "id": number, "message_id": 1, "text": text_key, "normalised": text_key, "text_key": text_key, "kind": kind,
        "intent_id": 1 if kind == "intent" else None, "side": "train", "group_key": "g", "staff_id": 1,
        "created_at": START + timedelta(days=day),
        "undone_at": None if undone is None else START + timedelta(days=undone),
    }  # fmt: skip


@pytest.fixture
def old(empty: Database) -> Database:
    """A database of the sixth migration with labels of every kind."""
    upgrade(empty, to="0006")
    moment = {"created_at": START}
    fill(empty, "staff", {"id": 1, "name": "ann", "password_hash": "x", "session_token": "t", "active": True} | moment)
    intent = {"id": 1, "slug": "vpn", "question": "q", "answer": "a", "status": "published", "locale": "en"}
    fill(empty, "intents", intent | moment | {"tags": [], "updated_at": START})
    fill(empty, "conversations", {"id": 1, "channel": "rest", "sender": "u"} | moment)
    message = {"id": 1, "conversation_id": 1, "channel": "rest", "text": "m", "normalised": "m", "text_key": "m"}
    fill(empty, "messages", message | moment)
    decision = {
        "id": 1,
        "message_id": 1,
        "kind": "fallback",
        "confidence": 0.1,
        "out_of_scope": 0.2,
        "reason": "unsure",
    }
    fill(empty, "decisions", decision | moment | {"ranking": [], "options": [], "thresholds": {}, "audit_odds": 0.25})
    version = {"id": 1, "directory": "d", "kind": "first", "rows_hash": "h", "verdict": "promote", "report": {}}
    fill(empty, "versions", version | moment)
    fill(empty, "servings", {"id": 7, "host": "a", "process_id": 5, "version_id": 1, "seen_at": now()})
    lease = {"name": "night", "owner": "o", "host": "a", "process_id": 5, "place": "p", "taken_at": START}
    fill(empty, "leases", lease | {"beat_at": START, "expires_at": START})
    exclusion = {"id": 1, "field": "row", "value": "label:9", "author": "boss"}
    fill(empty, "exclusions", exclusion | {"created_at": START + timedelta(days=8)})
    fill(
        empty,
        "labels",
        old_label(1, "twice", day=1, undone=2),
        old_label(2, "twice", day=2, undone=3),
        old_label(3, "twice", day=3),
        old_label(4, "taken back", day=1, undone=5),
        old_label(5, "skipped", day=1, undone=6),
        old_label(6, "skipped", day=2, undone=2, kind="skip"),
        old_label(7, "skipped", day=6, kind="out_of_scope"),
        old_label(8, "known", day=2, kind="skip", undone=3),
        old_label(9, "known", day=3, undone=8),
        old_label(10, "other text", day=8),
    )
    return empty


def test_old_labels_know_what_took_their_place(old: Database) -> None:
    """The label that superseded them, an idle skip its answer, or the exclusion; none when they were taken back."""
    upgrade(old)
    with old.read() as session:
        rows = session.execute(select(Label.id, Label.superseded_by, Label.excluded_by)).tuples()
        found = {number: (label, exclusion) for number, label, exclusion in rows}

    assert {number: label for number, (label, _) in found.items() if label} == {1: 2, 2: 3, 5: 7, 6: 5, 8: 9}
    assert {number: exclusion for number, (_, exclusion) in found.items() if exclusion} == {9: 1}
    assert len(found) == 10


def test_what_was_renamed_keeps_its_rows(old: Database) -> None:
    """Inclusion probabilities, splits, heartbeats and leases."""
    upgrade(old)
    with old.write() as session:
        assert session.scalars(select(DecisionRow.inclusion_probability)).one() == 0.25
        assert set(session.scalars(select(Label.split))) == {"train"}
        assert session.scalars(select(Lease.owner)).one() == "o"
        assert heartbeats.in_use(session) == {1}
        heartbeats.note(session, heartbeats.Heartbeat("b", 6, 1))
        assert heartbeats.processes_by_version(session, since=now() - timedelta(hours=1)) == {1: 2}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("decisions", "inclusion_probability = 1.5"),
        ("labels", "split = 'left'"),
        ("decisions", "kind = 'greeting'"),
        ("decisions", "confidence = 1.5"),
    ],
)
def test_what_was_renamed_keeps_its_rules(old: Database, table: str, change: str) -> None:
    """The database itself refuses what was refused before."""
    upgrade(old)
    with pytest.raises(IntegrityError), old.write() as session:
        session.execute(text(f"UPDATE {table} SET {change}"))


@pytest.mark.parametrize("kind", ["smalltalk", "handoff", "fallback"])
def test_old_databases_take_new_kinds_of_decisions(old: Database, kind: str) -> None:
    """At once, on the connection that upgraded too, and without damage to the file."""
    upgrade(old)
    with old.write() as session:
        session.execute(text("UPDATE decisions SET kind = :kind"), {"kind": kind})
        if old.engine.dialect.name == "sqlite":
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
    with old.read() as session:
        assert session.scalars(select(DecisionRow.kind)).all() == [kind]


def test_old_labels_are_undone_and_counted_as_before(old: Database) -> None:
    """What a label superseded counts again once that is taken back, and was said more than once."""
    upgrade(old)
    with old.write() as session:
        assert set(relabel_requests.said_once(session)) == {10}
        undo_newest(session, staff_id=1)
        undo_newest(session, staff_id=1)
        active = {label.id for label in labels.active_labels(session)}

    assert active == {3, 5}


def test_the_history_of_old_entries_begins_with_what_they_are(old: Database) -> None:
    """With their phrasings; and they may be archived now."""
    phrasing = {"id": 1, "intent_id": 1, "text": "vpn?", "normalised": "vpn", "text_key": "k", "source": "import"}
    fill(old, "phrasings", phrasing | {"author": "ann", "created_at": START})
    upgrade(old)
    with old.write() as session:
        (change,) = faq_history.history(session, 1, limit=9)
        faq.set_status(session, "vpn", status="archived", author="ann")
        assert [row.revision.action for row in faq_history.history(session, 1, limit=9)] == ["archived", "kept"]
    told = {part.part: part.new for part in change.differences}
    assert told["phrasings"] == ("vpn?",)
    assert (told["answer"], told["status"]) == (("a",), ("published",))
