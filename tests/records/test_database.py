"""Transactions, migrations and constraints on both databases."""

import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from pydantic import SecretStr
from sqlalchemy import func, insert, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError

from helpdesk.app import create_app
from helpdesk.errors import BadInputError, ConflictError, DatabaseFault, UnavailableError
from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, require_schema, upgrade
from helpdesk.records.tables import Conversation, DecisionRow, Intent, Label, Message, Phrasing, Table
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings


def test_the_migrations_make_the_tables(database: Database) -> None:
    """No drift: what the code says is what the migrations built."""
    with database.read() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": True})
        differences = compare_metadata(context, Table.metadata)

    assert differences == []


def test_upgrading_again_changes_nothing(database: Database) -> None:
    """`helpdesk db upgrade` is safe to repeat."""
    before = database.ping()
    upgrade(database)

    assert database.ping() == before


def test_a_failed_migration_leaves_no_trace(
    settings_for_empty_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Migrations are transactional: a kill in the middle leaves the old schema, the next run completes."""
    database = settings_for_empty_sqlite
    with pytest.raises(RuntimeError), database.write() as session:
        session.execute(text("CREATE TABLE half_done (id INTEGER)"))
        raise RuntimeError("killed")

    assert inspect(database.engine).get_table_names() == []
    upgrade(database)
    assert "intents" in inspect(database.engine).get_table_names()


def test_a_refused_statement_does_not_repeat_what_people_typed(database: Database) -> None:
    """Errors are logged, messages must not be. What PostgreSQL's own DETAIL line quotes is another matter."""
    with pytest.raises(IntegrityError) as refused, database.write() as session:
        session.execute(insert(Message).values(conversation_id=999, text="my pin is 4711", normalised="my pin is 4711"))

    assert "4711" not in str(refused.value).split("DETAIL")[0] + str(refused.value).split("[SQL")[1]


def test_a_block_that_raises_writes_nothing(database: Database) -> None:
    """Either the whole block is stored or nothing of it."""
    with pytest.raises(ZeroDivisionError), database.write() as session:
        session.add(Conversation(channel="rest", sender="a"))
        session.flush()
        raise ZeroDivisionError

    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 0


def test_a_reading_sees_one_state_whatever_is_written_meanwhile(database: Database) -> None:
    """Rows read first and rows read later belong together; the next reading sees what was written."""
    count = select(func.count()).select_from(Conversation)
    with database.read() as session:
        before = session.scalar(count)
        with database.write() as other:
            other.add(Conversation(channel="rest", sender="a"))
        assert session.scalar(count) == before

    with database.read() as session:
        assert session.scalar(count) == 1


def test_many_writers_wait_for_each_other(database: Database) -> None:
    """Reading before writing in one transaction does not make concurrent writers fail."""

    def write(number: int) -> None:
        for step in range(10):
            with database.write() as session:
                session.scalar(select(func.count()).select_from(Conversation))
                session.add(Conversation(channel="rest", sender=f"{number}-{step}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Conversation)) == 60


def test_times_come_back_aware_and_naive_ones_are_refused(database: Database) -> None:
    """Only aware UTC datetimes are stored."""
    moment = now()
    with database.write() as session:
        session.add(Conversation(channel="rest", sender="a", created_at=moment))
    with database.read() as session:
        assert session.scalars(select(Conversation.created_at)).one() == moment
    with pytest.raises(Exception, match="no time zone"), database.write() as session:
        session.add(Conversation(channel="rest", sender="b", created_at=moment.replace(tzinfo=None)))


def good_rows(database: Database) -> None:
    """An intent, a conversation and a message to refer to."""
    with database.write() as session:
        session.add(Intent(id=1, slug="vpn", question="q", answer="a", tags=[]))
        session.add(Conversation(id=1, channel="rest", sender="a"))
        session.flush()
        message = {"id": 1, "conversation_id": 1, "channel": "rest", "external_id": "x", "text": "t"}
        session.execute(insert(Message), message | {"normalised": "t", "text_key": "k"})


DECISION = {"message_id": 1, "kind": "answer", "confidence": 0.5, "out_of_scope": 0.1, "reason": "r"}
DECISION |= {"ranking": [], "options": [], "thresholds": {}}
MESSAGE = {"channel": "rest", "text": "u", "normalised": "u", "text_key": "j"}
LABEL = {"message_id": 1, "text": "t", "normalised": "t", "text_key": "k", "kind": "skip", "split": "train"}
LABEL |= {"group_key": "g", "staff_id": 1}


@pytest.mark.parametrize(
    ("table", "row"),
    [
        (Intent, {"slug": "vpn", "question": "q", "answer": "a", "tags": []}),
        (Intent, {"slug": "x", "question": "q", "answer": "a", "tags": [], "status": "secret"}),
        (Phrasing, {"intent_id": 1, "text": "?", "normalised": "", "text_key": "k", "source": "edit", "author": "a"}),
        (Phrasing, {"intent_id": 1, "text": "t", "normalised": "t", "text_key": "k", "source": "x", "author": "a"}),
        (Phrasing, {"intent_id": 9, "text": "t", "normalised": "t", "text_key": "k", "source": "edit", "author": "a"}),
        (Conversation, {"channel": "rest", "sender": "a"}),
        (Message, MESSAGE | {"conversation_id": 1, "external_id": "x"}),
        (Message, MESSAGE | {"conversation_id": 7}),
        (DecisionRow, DECISION | {"kind": "shrug"}),
        (DecisionRow, DECISION | {"confidence": 1.5}),
        (DecisionRow, DECISION | {"version_id": 5}),
        (Label, LABEL | {"kind": "intent"}),
        (Label, LABEL | {"kind": "skip", "intent_id": 1}),
        (Label, LABEL | {"split": "left"}),
    ],
)  # fmt: skip
def test_the_database_refuses_bad_rows(database: Database, table: type[Table], row: dict[str, object]) -> None:
    """Uniqueness, references and allowed values are the database's own rules."""
    good_rows(database)

    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(insert(table), row)


@pytest.mark.parametrize(("url", "word"), [("nonsense", "parse"), ("mysql://x/y", "mysql given; expected")])
def test_a_bad_database_url_is_explained(url: str, word: str, tmp_path: Path) -> None:
    """The operator reads what was expected."""
    with pytest.raises(BadInputError, match=word):
        open_database(load_settings(home=tmp_path, database_url=url))


def test_an_absent_server_is_unavailable_not_a_crash(tmp_path: Path) -> None:
    """A named error that the web turns into 503."""
    url = "postgresql+psycopg://nobody@127.0.0.1:1/none"
    database = open_database(load_settings(home=tmp_path, database_url=url, database_timeout=1))

    with pytest.raises(UnavailableError, match="did not answer") as found:
        database.ping()
    assert found.value.fault == DatabaseFault.ABSENT


def test_a_server_that_refuses_is_not_absent(postgresql_url: str, tmp_path: Path) -> None:
    """A name that is not right does not get right by waiting."""
    url = make_url(postgresql_url).set(database="nowhere").render_as_string(hide_password=False)
    database = open_database(load_settings(home=tmp_path, database_url=url))

    with pytest.raises(UnavailableError, match="does not exist") as found:
        database.ping()
    assert found.value.fault == DatabaseFault.UNREACHABLE


@pytest.fixture
def impatient(postgresql_url: str, tmp_path: Path) -> Settings:
    """Settings of a PostgreSQL server with half a second for an answer."""
    return load_settings(home=tmp_path, database_url=postgresql_url, database_timeout=0.5)


def test_only_what_somebody_waits_for_is_ended_by_the_timeout(impatient: Settings) -> None:
    """A night, a command or a migration may take its time with one statement; a request may not."""
    for hurried in (False, True):
        database = open_database(impatient, hurried=hurried)
        with (
            pytest.raises(UnavailableError, match="statement timeout") if hurried else nullcontext(),
            database.read() as session,
        ):
            session.execute(text("SELECT pg_sleep(1)"))
        database.close()


def test_the_web_application_is_what_somebody_waits_for(impatient: Settings) -> None:
    """Its requests get the timeout."""
    settings = impatient.model_copy(update={"secret_key": SecretStr("s" * 32)})
    app = create_app(settings, live=LiveMatcher(open_database(settings), settings))

    with app.extensions["helpdesk"].database.read() as session:
        assert session.scalar(text("SHOW statement_timeout")) == "500ms"


def test_a_patient_process_does_not_queue_behind_a_lock_for_ever(impatient: Settings) -> None:
    """A migration that waits for a table would hold up every request behind it."""
    holding, waiting = open_database(impatient), open_database(impatient)
    with holding.write() as session:
        session.execute(text("SELECT pg_advisory_xact_lock(7)"))
        with pytest.raises(UnavailableError, match="lock timeout"), waiting.write() as other:
            other.execute(text("SELECT pg_advisory_xact_lock(7)"))
    holding.close()
    waiting.close()


@pytest.mark.parametrize(("synchronous", "number"), [("NORMAL", 1), ("FULL", 2)])
def test_sqlite_is_as_durable_as_the_setting_says(tmp_path: Path, synchronous: str, number: int) -> None:
    """WAL always; NORMAL survives a killed process, FULL a power cut too."""
    (tmp_path / "helpdesk.db").touch()
    database = open_database(load_settings(home=tmp_path, sqlite_synchronous=synchronous))

    with database.read() as session:
        assert session.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert session.execute(text("PRAGMA synchronous")).scalar() == number
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1


@pytest.fixture
def settings_for_empty_sqlite(tmp_path: Path) -> Database:
    """A database without a schema."""
    (tmp_path / "helpdesk.db").touch()
    return open_database(load_settings(home=tmp_path))


@pytest.mark.parametrize(("revision", "advice"), [("9999", "newer than this code"), ("0018", "helpdesk db upgrade")])
def test_a_database_of_another_version_is_refused_and_not_ready(
    database: Database, settings: Settings, revision: str, advice: str
) -> None:
    """Every command says so in one sentence when it opens the home, and a process that runs on gets no more traffic."""
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    live = LiveMatcher(database, settings)
    app = create_app(settings.model_copy(update={"database_url": _url(database)}), live=live)

    with pytest.raises(ConflictError, match=advice):
        require_schema(database)
    ready = app.test_client().get("/readyz")

    assert ready.status_code == 503
    assert ready.json is not None
    assert ready.json["database"] == "other_schema"
    assert advice in ready.json["problem"]


def _url(database: Database) -> SecretStr:
    return SecretStr(database.engine.url.render_as_string(hide_password=False))


def test_a_connection_that_only_reads_is_opened_again(settings_for_empty_sqlite: Database) -> None:
    """What SQLite opened while the disk could not be written would stay so; the next write gets a new connection."""
    database = settings_for_empty_sqlite
    upgrade(database)
    with database.read() as session:
        session.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(UnavailableError, match="cannot be written"), database.write() as session:
        session.add(Conversation(channel="rest", sender="a"))

    with database.write() as session:
        session.add(Conversation(channel="rest", sender="b"))
