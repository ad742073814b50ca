"""A restored backup undoes erasures: their certificates stay, and say what must be erased again."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from helpdesk.records.certificates import write_certificate
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.erasure import MESSAGE, SENDER, ErasureScope, erase
from helpdesk.records.tables import ErasureRow, Message
from helpdesk.records.undone_erasures import undone_erasures
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings


@pytest.fixture
def desk(database: Database) -> ChatService:
    """Somebody has written."""
    settings = load_settings()
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def say(desk: ChatService, sender: str) -> int:
    """A message; its id."""
    return desk.reply("the zyxo lamp hums", channel="rest", sender=sender).message_id


def commands(desk: ChatService, home: Path) -> list[str]:
    """What must be done again."""
    with desk.database.read() as session:
        return sorted(undone.command for undone in undone_erasures(session, home))


def undo(desk: ChatService, home: Path, wanted: ErasureScope) -> None:
    """What a restored backup leaves of an erasure: the certificate, and the messages of before."""
    with desk.database.write() as session:
        row = erase(session, wanted, author="ann", home=home)
        session.expunge(row)
        session.rollback()
    write_certificate(home, row)


def test_who_is_there_again_is_named_until_erased_again(desk: ChatService, tmp_path: Path) -> None:
    """A sender on one channel or on all, and a message; nobody else."""
    say(desk, "o'eve")
    say(desk, "bob")
    number = say(desk, "carl")
    undo(desk, tmp_path, ErasureScope(SENDER, sender="o'eve"))
    undo(desk, tmp_path, ErasureScope(SENDER, sender="bob", channel="rest"))
    undo(desk, tmp_path, ErasureScope(MESSAGE, number=number))
    assert commands(desk, tmp_path) == [
        f"helpdesk erase --message {number}",
        """helpdesk erase --sender 'o'"'"'eve'""",
        "helpdesk erase --sender bob --channel rest",
    ]

    with desk.database.write() as session:
        erase(session, ErasureScope(SENDER, sender="o'eve"), author="ann", home=tmp_path)
    say(desk, "o'eve")
    assert commands(desk, tmp_path) == [
        f"helpdesk erase --message {number}",
        "helpdesk erase --sender bob --channel rest",
    ]


def test_who_wrote_after_an_erasure_that_the_database_does_not_know_is_not_named(
    desk: ChatService, tmp_path: Path
) -> None:
    """The backup had nothing of them."""
    say(desk, "eve")
    undo(desk, tmp_path, ErasureScope(SENDER, sender="eve"))
    with desk.database.write() as session:
        session.execute(update(Message).values(created_at=now() + timedelta(hours=1)))
    assert commands(desk, tmp_path) == []


def test_no_certificate_takes_the_place_of_another(tmp_path: Path) -> None:
    """Two erasures with one number have two files, and each is brought up to date in its own."""
    first = ErasureRow(id=1, erased_at=now() - timedelta(days=1), author="a", scope="message", subject="message 1")
    second = ErasureRow(id=1, erased_at=now(), author="a", scope="message", subject="message 2")
    for row in (first, second):
        write_certificate(tmp_path, row)
    first.compacted_at = first.purged_at = second.purged_at = now()
    for row in (first, second):
        write_certificate(tmp_path, row)

    told = [json.loads(path.read_text()) for path in (tmp_path / "certificates").iterdir()]
    assert {(facts["subject"], facts["finished"]) for facts in told} == {("message 1", True), ("message 2", False)}
    assert len(told) == 2
