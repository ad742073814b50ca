"""A backup written while everything runs, restored into either kind of database."""

import random
import shutil
import sqlite3
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from commands import run_in
from desks import open_desk
from homes import LENIENT
from sqlalchemy import func, select
from versions_apart import flip, own_home, promote_copy

from helpdesk.errors import BadInputError, BusyError, ConflictError, HelpdeskError, UnavailableError
from helpdesk.learning.night.lock import LOCK, single_flight
from helpdesk.matching.bundle import open_bundle
from helpdesk.records import copies, heartbeats, versions
from helpdesk.records.database import Database, open_database
from helpdesk.records.heartbeats import Heartbeat
from helpdesk.records.tables import DecisionRow, HeartbeatRow, Lease, Message, Table
from helpdesk.settings import Settings, load_settings
from helpdesk.upkeep import archive
from helpdesk.upkeep import restore as restoring
from helpdesk.upkeep.backup import write_backup
from helpdesk.upkeep.restore import check, restore

TEXTS = ("forgot my password", "the vpn has a problem", "what is the capital of peru")
FLIPS, SEED = 40, 11


@pytest.fixture(scope="module")
def made(tiny_home: Path, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a home in SQLite, `own`, which has two versions and a few messages, and its backup, `saved`."""
    folder = tmp_path_factory.mktemp("made")
    settings = own_home(tiny_home, folder, base_model=str(tiny_base))
    desk = open_desk(settings)
    for number, text in enumerate(TEXTS):
        desk.reply(text, channel="rest", sender=f"s{number}")
    promote_copy(settings, desk.database, "second")
    write_backup(settings, desk.database, folder / "saved", secret_key=True)
    desk.database.close()
    return folder


@pytest.fixture
def source(made: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """That home."""
    return own_home(made / "own", tmp_path, base_model=str(tiny_base))


@pytest.fixture
def saved(made: Path, tmp_path: Path) -> Path:
    """Its backup."""
    return Path(shutil.copy(made / "saved", tmp_path / "saved"))


@pytest.fixture
def settings(database: Database, saved: Path, tmp_path: Path) -> Settings:
    """The same home restored over a database of each kind."""
    url = database.engine.url.render_as_string(hide_password=False)
    made = load_settings(home=tmp_path / "home", database_url=url, **LENIENT)
    restore(made, saved, force=True)
    return made


def rows(settings: Settings) -> dict[str, list[Any]]:
    """Everything in a database but what tells of running processes."""
    opened = open_database(settings)
    gone = (HeartbeatRow.__table__, Lease.__table__)
    with opened.read() as session:
        found = {
            table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
            for table in Table.metadata.sorted_tables
            if table not in gone
        }
    opened.close()
    return found


def state(settings: Settings) -> tuple[Any, ...]:
    """Everything in a home."""
    files = [path for path in settings.home.rglob("*") if path.is_file()]
    kept = {path: path.read_bytes() for path in files if not path.name.startswith(("helpdesk.db", LOCK))}
    return rows(settings), kept


def test_a_restored_database_of_either_kind_has_every_row(source: Settings, settings: Settings) -> None:
    """From SQLite into each kind; versions and decisions too, and the next message gets the next id."""
    assert rows(settings) == rows(source)
    desk = open_desk(settings)
    said = desk.reply("forgot my password", channel="rest", sender="new")
    desk.database.close()

    assert (said.version_id, said.kind) == (2, "answer")
    assert said.message_id == len(TEXTS) + 1


def test_what_was_acknowledged_before_a_backup_is_in_it(settings: Settings, tmp_path: Path) -> None:
    """While messages are stored and versions change places; every message has its decision, and the version opens."""
    desk = open_desk(settings)
    acknowledged: dict[int, str] = {}
    stop = threading.Event()

    def write() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            text = f"forgot my password {number}"
            acknowledged[desk.reply(text, channel="rest", sender=f"w{number % 7}").message_id] = text

    def promote() -> None:
        for number in range(10_000):
            if stop.is_set():
                return
            with desk.database.write() as session:
                versions.promote(session, 1 + number % 2, reason="test", author="test")
            time.sleep(0.01)

    threads = [threading.Thread(target=work) for work in (write, promote)]
    for thread in threads:
        thread.start()
    while len(acknowledged) < 10:
        time.sleep(0.01)
    before = dict(acknowledged)
    write_backup(settings, desk.database, tmp_path / "busy", secret_key=True)
    stop.set()
    for thread in threads:
        thread.join()
    desk.database.close()
    assert len(acknowledged) > len(before)
    restored = load_settings(home=tmp_path / "elsewhere", **LENIENT)
    restore(restored, tmp_path / "busy", force=False)

    there = open_desk(restored)
    with there.database.read() as session:
        texts = dict(session.execute(select(Message.id, Message.text)).tuples().all())
        assert before.items() <= texts.items()
        assert session.scalar(select(func.count()).select_from(DecisionRow)) == len(texts)
    assert there.live.status().problem is None
    assert there.reply("forgot my password", channel="rest", sender="new").kind == "answer"
    there.database.close()


def test_each_file_is_once_in_it_and_nobody_else_reads_it(saved: Path) -> None:
    """Two versions with the same encoder cost one."""
    names = zipfile.ZipFile(saved).namelist()
    contents = check(saved)

    assert len(names) == len(set(names)) == len(contents.parts()) + 1
    assert len(contents.bundles) == 2
    assert saved.stat().st_mode & 0o777 == 0o600
    assert "secret_key" in contents.files


def test_a_backup_that_fails_leaves_the_older_one(
    source: Settings, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing beside it."""
    whole, beside = saved.read_bytes(), set(saved.parent.iterdir())

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.Writer, "finish", full)
    records = open_database(source)
    with pytest.raises(OSError, match="No space"):
        write_backup(source, records, saved, secret_key=True)
    records.close()

    assert saved.read_bytes() == whole
    assert set(saved.parent.iterdir()) == beside


@pytest.mark.slow
def test_a_damaged_backup_is_refused_or_harmless(source: Settings, saved: Path, tmp_path: Path) -> None:
    """Bits at forty places, the list of contents and the end among them; what was there stays."""
    before, whole, contents = state(source), saved.read_bytes(), check(saved)
    chance = random.Random(SEED)
    places = [chance.randrange(len(whole)) for _ in range(FLIPS // 2)]
    places += [len(whole) - 1 - chance.randrange(4000) for _ in range(FLIPS // 2)]
    refused = 0
    for place in places:
        flip(saved, place=place)
        try:
            assert check(saved) == contents, place
        except BadInputError:
            refused += 1
            with pytest.raises(BadInputError):
                restore(source, saved, force=True)
        flip(saved, place=place)
    assert refused >= FLIPS // 2
    for damaged in (whole[: len(whole) // 2], b"", b"no backup", whole[100:]):
        (tmp_path / "bad").write_bytes(damaged)
        with pytest.raises(BadInputError, match="no whole backup"):
            restore(source, tmp_path / "bad", force=True)

    assert state(source) == before


def test_nothing_is_overwritten_unless_forced(source: Settings, saved: Path, tmp_path: Path) -> None:
    """Neither a database nor bundles."""
    before = state(source)
    with pytest.raises(ConflictError, match="holds a helpdesk already"):
        restore(source, saved, force=False)
    only_bundles = load_settings(home=tmp_path / "bundles-only")
    shutil.copytree(source.bundles, only_bundles.bundles)
    with pytest.raises(ConflictError, match="holds bundles already"):
        restore(only_bundles, saved, force=False)

    assert state(source) == before


def test_nothing_is_restored_under_a_running_service(source: Settings, saved: Path) -> None:
    """What it acknowledged meanwhile would be lost; a process of another host, seen just now, runs."""
    records = open_database(source)
    with records.write() as session:
        heartbeats.note(session, Heartbeat("elsewhere", 17, 2))
    records.close()

    with pytest.raises(ConflictError, match="process 17 on elsewhere"):
        restore(source, saved, force=True)


def test_nothing_is_restored_under_a_night(source: Settings, saved: Path) -> None:
    """It would write its row into what was just put back."""
    with single_flight(source.home / LOCK), pytest.raises(BusyError, match="is running already"):
        restore(source, saved, force=True)


FAILURES: list[tuple[object, str]] = [
    (restoring, "copy_in"),
    (restoring, "renew_copy"),
    (archive.Backup, "unpack"),
]


def test_a_restore_that_fails_in_the_middle_leaves_what_was_there(
    settings: Settings, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever step it is, on either database."""
    desk = open_desk(settings)
    desk.reply("nothing prints", channel="rest", sender="late")
    desk.database.close()
    before = state(settings)

    def fail(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    for place, name in FAILURES:
        with monkeypatch.context() as patch:
            patch.setattr(place, name, fail)
            with pytest.raises(OSError, match="No space"):
                restore(settings, saved, force=True)
        assert state(settings) == before, name


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_rows_that_cannot_all_be_stored_leave_those_that_were_there(
    settings: Settings, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the middle of the transaction that replaces the rows; SQLite's own copying is a transaction as well."""
    before = rows(settings)

    def fail(*args: object) -> None:
        raise UnavailableError("gone")

    monkeypatch.setattr(copies, "_continue_ids", fail)
    with pytest.raises(UnavailableError, match="gone"):
        restore(settings, saved, force=True)

    assert rows(settings) == before


def test_a_database_that_is_damaged_is_replaced_when_forced(source: Settings, saved: Path) -> None:
    """What a backup is for; the damaged file stays beside it."""
    before = rows(source)
    (source.home / "helpdesk.db").write_bytes(b"no database" * 1000)
    restore(source, saved, force=True)

    assert rows(source) == before
    assert len(list(source.home.glob("helpdesk.db.damaged-*"))) == 1


def test_a_damaged_bundle_is_restored_from_the_backup(source: Settings, saved: Path) -> None:
    """While intact ones are left alone."""
    for bundle in source.bundles.iterdir():
        flip(bundle / "vectors.npy")
    restore(source, saved, force=True)

    for bundle in source.bundles.iterdir():
        open_bundle(bundle)


def test_a_damaged_file_comes_from_another_version_or_is_left_out(source: Settings, tmp_path: Path) -> None:
    """The messages are saved all the same, and the command says so by its exit code."""
    first, second = sorted(source.bundles.iterdir())
    flip(second / "scorer.npz")
    whole = run_in(source.home, "backup", str(tmp_path / "one"))
    restored = load_settings(home=tmp_path / "one-restored", **LENIENT)
    restore(restored, tmp_path / "one", force=False)
    flip(first / "scorer.npz")
    parted = run_in(source.home, "backup", str(tmp_path / "two"), code=1)

    assert "3 messages" in whole.stdout
    open_bundle(restored.bundles / second.name)
    assert "left out: version 2: scorer.npz is damaged" in parted.stderr
    assert check(tmp_path / "two").rows["messages"] == len(TEXTS)
    for words in (("--check",), ("--into", str(tmp_path / "two-restored"))):
        said = run_in(source.home, "restore", str(tmp_path / "two"), *words, code=1)
        assert "the backup lacks version 2: scorer.npz is damaged" in said.stderr


def test_the_secret_key_can_be_left_out(source: Settings, tmp_path: Path) -> None:
    """A restore of such a backup makes a new one at the next start."""
    run_in(source.home, "backup", str(tmp_path / "keyless"), "--no-secret-key")
    said = run_in(source.home, "restore", str(tmp_path / "keyless"), "--into", str(tmp_path / "restored"))

    assert "without the secret key" in said.stdout
    assert not (tmp_path / "restored" / "secret_key").exists()


def test_a_backup_that_names_files_outside_the_home_is_refused(saved: Path, tmp_path: Path, source: Settings) -> None:
    """Whoever wrote it."""
    contents = check(saved)
    evil = contents.model_copy(update={"files": {"../outside": contents.database}})
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(tmp_path / "evil", "w") as new:
        for part in contents.parts():
            new.writestr(part, old.read(part))
        new.writestr("contents.json", evil.model_dump_json())

    with pytest.raises(BadInputError, match="inside the home"):
        restore(load_settings(home=tmp_path / "victim"), tmp_path / "evil", force=False)
    assert not (tmp_path / "outside").exists()


def test_a_damaged_database_is_not_saved_as_if_it_were_whole(source: Settings, tmp_path: Path) -> None:
    """Better no backup than one that nobody can restore."""
    file = source.home / "helpdesk.db"
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    data = file.read_bytes()
    file.write_bytes(data[:8192] + bytes(len(data) - 8192))
    records = open_database(source)
    with pytest.raises(HelpdeskError):
        write_backup(source, records, tmp_path / "never", secret_key=True)
    records.close()

    assert not (tmp_path / "never").exists()
