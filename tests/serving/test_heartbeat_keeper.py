"""A process says what it serves: often enough, not too often, and never at the price of serving."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from helpdesk.records.clock import now
from helpdesk.records.database import Database, open_database, upgrade
from helpdesk.records.heartbeats import in_use
from helpdesk.records.tables import HeartbeatRow
from helpdesk.serving import heartbeats as keeping
from helpdesk.serving.heartbeats import HeartbeatKeeper
from helpdesk.settings import load_settings


def rows(records: Database) -> list[tuple[int | None, datetime]]:
    """Version and time of every row."""
    with records.read() as session:
        return [(row.version_id, row.seen_at) for row in session.scalars(select(HeartbeatRow))]


def test_the_same_word_is_not_written_at_every_look_but_a_change_is(records: Database) -> None:
    """A process looks twice a second; its row is renewed every ten."""
    keeper = HeartbeatKeeper(records)
    keeper.say(version_id=None, refused_promotion_id=None)
    ((version, first_seen),) = rows(records)
    keeper.say(version_id=None, refused_promotion_id=None)
    assert rows(records) == [(version, first_seen)]

    keeper.say(version_id=1, refused_promotion_id=None)
    ((version, seen),) = rows(records)
    assert version == 1
    assert seen >= first_seen


def test_a_database_that_cannot_take_it_is_logged_once_and_told_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No table, no right to write, no server: the process serves on, and says what it serves as soon as it can."""
    empty = open_database(load_settings(home=tmp_path))
    keeper = HeartbeatKeeper(empty)
    for _ in range(3):
        keeper.say(version_id=None, refused_promotion_id=None)

    assert caplog.text.count("what this process serves was not recorded") == 1

    upgrade(empty)
    keeper.say(version_id=None, refused_promotion_id=None)
    assert [version for version, _ in rows(empty)] == [None]
    empty.close()


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        """As the module `time` has it."""
        return self.seconds


def test_the_same_word_is_said_again_before_anybody_takes_the_process_for_gone(
    records: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every ten seconds; bundles count as in use for ten minutes after that."""
    clock = Clock()
    monkeypatch.setattr(keeping, "time", clock)
    keeper = HeartbeatKeeper(records)
    keeper.say(version_id=1, refused_promotion_id=None)
    with records.write() as session:
        session.execute(update(HeartbeatRow).values(seen_at=now() - timedelta(minutes=11)))

    clock.seconds += 9
    keeper.say(version_id=1, refused_promotion_id=None)
    with records.read() as session:
        assert in_use(session) == set()
    clock.seconds += 2
    keeper.say(version_id=1, refused_promotion_id=None)
    with records.read() as session:
        assert in_use(session) == {1}
