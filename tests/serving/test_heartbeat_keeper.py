"""A process says what it serves: often enough, not too often, and never at the price of serving."""

from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Serving
from helpdesk.serving.heartbeats import PresenceKeeper
from helpdesk.settings import load_settings


def rows(records: Database) -> list[tuple[int | None, datetime]]:
    """Version and time of every row."""
    with records.read() as session:
        return [(row.version_id, row.seen_at) for row in session.scalars(select(Serving))]


def test_the_same_word_is_not_written_at_every_look_but_a_change_is(records: Database) -> None:
    """A process looks twice a second; its row is renewed every ten."""
    keeper = PresenceKeeper(records)
    keeper.say(version_id=None, refused_promotion_id=None)
    ((version, first_seen),) = rows(records)
    keeper.say(version_id=None, refused_promotion_id=None)
    assert rows(records) == [(version, first_seen)]

    keeper.say(version_id=1, refused_promotion_id=None)
    ((version, seen),) = rows(records)
    assert version == 1
    assert seen >= first_seen


def test_a_database_that_cannot_take_it_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """No table, no right to write, no server: the process serves on."""
    empty = open_database(load_settings(home=tmp_path))
    PresenceKeeper(empty).say(version_id=1, refused_promotion_id=None)

    assert "what this process serves was not recorded" in caplog.text
