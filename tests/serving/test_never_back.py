"""A conversation never goes back to an earlier promotion, though processes follow promotions one after the other."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from helpdesk.errors import NoVersionError
from helpdesk.matching.bundle import MANIFEST
from helpdesk.records import heartbeats, versions
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Message
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings


@pytest.fixture
def ahead(settings: Settings, records: Database) -> ChatService:
    """A process that has followed every promotion so far."""
    return _process(settings, records)


@pytest.fixture
def behind(settings: Settings, tmp_path: Path) -> ChatService:
    """A process on another host that has not looked since the first version."""
    home = Path(shutil.copytree(settings.home, tmp_path / "other"))
    database = open_database(settings)
    return _process(settings.model_copy(update={"home": home}), database)


def _process(settings: Settings, database: Database) -> ChatService:
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def promote_another(settings: Settings, records: Database) -> None:
    """A second version, of the same bundle; it lies on one host."""
    (sealed,) = (path for path in settings.bundles.iterdir() if (path / MANIFEST).is_file())
    shutil.copytree(sealed, settings.bundles / "second")
    with records.write() as session:
        report: dict[str, Any] = {"kind": "refreshed", "parent_id": 1, "rows_hash": "x"}
        version = versions.add_version(session, "second", verdict="promote", report={}, **report)
        versions.promote(session, version.id, reason="test", author="test")


def say(process: ChatService, sender: str = "anna") -> int | None:
    """The version that answers the next message."""
    return process.reply("vpn not connecting", channel="rest", sender=sender).version_id


def count(records: Database) -> int:
    """How many messages are stored."""
    with records.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_a_process_that_lags_catches_up_for_a_conversation(
    settings: Settings, records: Database, ahead: ChatService, behind: ChatService
) -> None:
    """It looks at once, before it answers; other conversations do not wait for that."""
    promote_another(settings, records)
    shutil.copytree(settings.bundles / "second", behind.settings.bundles / "second")
    ahead.live.refresh()
    assert [say(ahead), say(behind, "ben"), say(behind), say(behind, "ben")] == [2, 1, 2, 2]


def test_a_rollback_is_newer(settings: Settings, records: Database, ahead: ChatService, behind: ChatService) -> None:
    """What counts is the order of promotions, not of versions."""
    promote_another(settings, records)
    shutil.copytree(settings.bundles / "second", behind.settings.bundles / "second")
    behind.live.refresh()
    assert say(behind) == 2
    with records.write() as session:
        versions.promote(session, 1, reason=versions.ROLLBACK, author="test")
    ahead.live.refresh()

    assert [say(ahead), say(behind)] == [1, 1]


def test_a_process_that_cannot_follow_leaves_the_conversation_to_one_that_can(
    settings: Settings, records: Database, ahead: ChatService, behind: ChatService
) -> None:
    """It says 503 and stores nothing, while another serves the version; a new conversation it answers."""
    promote_another(settings, records)
    ahead.live.refresh()
    with records.write() as session:
        heartbeats.note(session, heartbeats.Heartbeat("there", 1, version_id=2))
    assert say(ahead) == 2
    with pytest.raises(NoVersionError, match="try again"):
        say(behind)
    assert count(records) == 1
    assert say(behind, "ben") == 1


def test_where_nobody_serves_it_any_more_the_conversation_goes_on(
    settings: Settings, records: Database, ahead: ChatService, behind: ChatService
) -> None:
    """The promoted bundle opens nowhere now: better an older answer than none."""
    promote_another(settings, records)
    ahead.live.refresh()
    assert [say(ahead), say(behind), say(ahead)] == [2, 1, 2]


def test_a_message_that_is_sent_again_is_told_what_it_was_told(
    settings: Settings, records: Database, ahead: ChatService, behind: ChatService
) -> None:
    """By a process that lags too: the reply is stored."""
    promote_another(settings, records)
    ahead.live.refresh()
    once = ahead.reply("vpn not connecting", channel="rest", sender="anna", external_id="m1")
    again = behind.reply("vpn not connecting", channel="rest", sender="anna", external_id="m1")

    assert replace(again, message_id=0) == replace(once, message_id=0)
    assert again.message_id == once.message_id
