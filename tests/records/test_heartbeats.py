"""What processes say they serve is remembered, and forgotten when they fall silent."""

from datetime import timedelta

from sqlalchemy import func, select, update

from helpdesk.records import heartbeats, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.heartbeats import Heartbeat
from helpdesk.records.tables import HeartbeatRow


def make_versions(database: Database) -> list[int]:
    """Two versions, the second promoted."""
    with database.write() as session:
        ids = [
            versions.add_version(
                session, name, kind="first", parent_id=None, rows_hash="0", verdict="promote", report={}
            ).id
            for name in "ab"
        ]
        versions.promote(session, ids[1], reason="test", author="test")
    return ids


def say(database: Database, *beats: Heartbeat) -> None:
    """Note these."""
    with database.write() as session:
        for heartbeat in beats:
            heartbeats.note(session, heartbeat)


def test_a_process_says_again_what_it_serves(database: Database) -> None:
    """One row a process; the newest word counts."""
    first, second = make_versions(database)
    say(
        database,
        Heartbeat("a", 1, first),
        Heartbeat("a", 1, second),
        Heartbeat("b", 1, second),
        Heartbeat("b", 2, None),
    )

    with database.read() as session:
        assert heartbeats.in_use(session) == {second}
        since = now() - timedelta(minutes=1)
        assert heartbeats.processes_by_version(session, since=since) == {second: 2}


def test_a_refused_promotion_is_counted(database: Database) -> None:
    """By the processes that could not load it."""
    first, _ = make_versions(database)
    say(database, Heartbeat("a", 1, first, 1), Heartbeat("a", 2, first, None))

    with database.read() as session:
        assert heartbeats.processes_refusing(session, 1, since=now() - timedelta(minutes=1)) == 1


def test_silent_processes_use_nothing_and_are_forgotten(database: Database) -> None:
    """After ten minutes and after a day."""
    first, second = make_versions(database)
    say(database, Heartbeat("a", 1, first), Heartbeat("a", 2, second))
    with database.write() as session:
        old = now() - timedelta(minutes=11)
        session.execute(update(HeartbeatRow).where(HeartbeatRow.process_id == 1).values(seen_at=old))
    with database.read() as session:
        assert heartbeats.in_use(session) == {second}

    with database.write() as session:
        session.execute(update(HeartbeatRow).values(seen_at=now() - timedelta(days=2)))
        heartbeats.forget_old(session)
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(HeartbeatRow)) == 0


def test_only_processes_seen_lately_are_counted(database: Database) -> None:
    """By what they serve and by what they refuse: a process that went away says nothing any more."""
    first, second = make_versions(database)
    say(database, Heartbeat("a", 1, first, 1), Heartbeat("a", 2, second, 1))
    with database.write() as session:
        old = now() - timedelta(seconds=90)
        session.execute(update(HeartbeatRow).where(HeartbeatRow.process_id == 1).values(seen_at=old))
    with database.read() as session:
        minute, hour = now() - timedelta(minutes=1), now() - timedelta(hours=1)
        assert heartbeats.processes_by_version(session, since=minute) == {second: 1}
        assert heartbeats.processes_by_version(session, since=hour) == {first: 1, second: 1}
        assert heartbeats.processes_refusing(session, 1, since=minute) == 1
        assert heartbeats.processes_refusing(session, 1, since=hour) == 2
