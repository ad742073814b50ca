"""What people said is found again, newest first, and a search says how far it looked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from helpdesk.errors import NotFoundError
from helpdesk.records import conversation_log, conversations
from helpdesk.records.conversation_log import Found, Search, find_messages, read_thread
from helpdesk.records.database import Database
from helpdesk.records.periods import Period
from helpdesk.records.tables import Message

START = datetime(2026, 3, 1, tzinfo=UTC)


def _day(number: int) -> datetime:
    return START + timedelta(days=number)


ANSWER: dict[str, Any] = {"kind": "answer", "intent": "vpn", "confidence": 0.9, "reason": "confident"}
FALLBACK: dict[str, Any] = {"kind": "fallback", "intent": None, "confidence": 0.1, "reason": "unsure"}


def say(database: Database, text: str, *, day: int = 0, sender: str = "u", channel: str = "rest", **more: Any) -> int:
    """A logged message; its id."""
    columns: dict[str, Any] = {"version_id": None, "out_of_scope": 0.0, "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        message = conversations.log_message(
            session, text, channel=channel, sender=sender, external_id=None, decision=columns | (more or ANSWER)
        )
        session.execute(update(Message).where(Message.id == message).values(created_at=START + timedelta(days=day)))
    return message


def find(database: Database, search: Search | None = None, *, limit: int = 9, before: int | None = None) -> Found:
    """What is found."""
    with database.read() as session:
        return find_messages(session, search or Search(), limit=limit, before=before)


def texts(found: Found) -> list[str]:
    """What was typed."""
    return [said.message.text for said in found.rows]


@pytest.fixture
def talk(database: Database) -> Database:
    """Five messages of five days; the third came, as its number says, last."""
    say(database, "The VPN is 50% down", day=0)
    say(database, "where is the gym", day=1, sender="eve", channel="web", **FALLBACK)
    say(database, "thanks", day=3, kind="smalltalk", intent=None, confidence=1.0, reason="thanks")
    say(database, "vpn again", day=2, sender="eve")
    say(database, "tunnel", day=4, **ANSWER | {"intent": "old_vpn"})
    return database


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), ["tunnel", "thanks", "vpn again", "where is the gym", "The VPN is 50% down"]),
        (Search(text="vpn"), ["vpn again", "The VPN is 50% down"]),
        (Search(text="0% d"), ["The VPN is 50% down"]),
        (Search(text="v%n"), []),
        (Search(sender="eve"), ["vpn again", "where is the gym"]),
        (Search(sender="eve", period=Period(None, None, "web")), ["where is the gym"]),
        (Search(sender="ev"), []),
        (Search(outcome="not_answered"), ["where is the gym"]),
        (Search(outcome="small_talk"), ["thanks"]),
        (Search(intents=["vpn", "old_vpn"]), ["tunnel", "vpn again", "The VPN is 50% down"]),
        (
            Search(period=Period(_day(1), _day(3))),
            ["vpn again", "where is the gym"],
        ),
        (Search(text="vpn", outcome="answered", period=Period(_day(1))), ["vpn again"]),
    ],
)
def test_a_search_finds_what_is_wanted_newest_first(talk: Database, search: Search, found: list[str]) -> None:
    """By words, sender, channel, outcome, entry and days, and by several of them; wildcards are characters."""
    assert texts(find(talk, search)) == found


def test_pages_follow_each_other_without_gap_or_doubling(talk: Database) -> None:
    """By when the messages came, whatever their numbers."""
    pages, before = [], None
    while True:
        found = find(talk, limit=2, before=before)
        pages.append(texts(found))
        before = found.before
        if before is None:
            break

    assert pages == [["tunnel", "thanks"], ["vpn again", "where is the gym"], ["The VPN is 50% down"]]


def test_messages_of_one_moment_are_all_found(database: Database) -> None:
    """None is lost between two pages."""
    for number in range(5):
        say(database, f"m{number}")
    first = find(database, limit=3)

    assert texts(first) + texts(find(database, limit=3, before=first.before)) == ["m4", "m3", "m2", "m1", "m0"]


def test_a_search_that_read_enough_says_how_far_it_looked(talk: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """And goes on from there."""
    monkeypatch.setattr(conversation_log, "LOOKED_AT", 2)
    search = Search(text="gym")
    first = find(talk, search)
    second = find(talk, search, before=first.before)

    assert (texts(first), first.looked_back_to) == ([], START + timedelta(days=3))
    assert (texts(second), second.looked_back_to) == (["where is the gym"], START + timedelta(days=1))
    assert find(talk, search, before=second.before).before is None


def test_searching_on_from_a_message_that_is_gone_is_refused(talk: Database) -> None:
    """Not silently begun anew."""
    with pytest.raises(NotFoundError, match="no message 99"):
        find(talk, before=99)


def test_a_thread_is_read_from_its_newest_page_back(database: Database) -> None:
    """Each page says where the next one begins, and one around a message shows what led to it."""
    ids = [say(database, f"m{number}", sender="eve") for number in range(12)]
    say(database, "somebody else")
    with database.read() as session:
        newest = read_thread(session, 1, limit=5)
        earlier = read_thread(session, 1, limit=5, before=newest.earlier)
        around = read_thread(session, 1, limit=5, around=ids[4])

    assert [said.message.text for said in newest.rows] == ["m7", "m8", "m9", "m10", "m11"]
    assert [said.message.text for said in earlier.rows] == ["m2", "m3", "m4", "m5", "m6"]
    assert [said.message.text for said in around.rows] == ["m3", "m4", "m5", "m6", "m7"]
    assert (newest.later, earlier.later, around.earlier, around.later) == (None, ids[7], ids[3], ids[8])


def test_a_conversation_that_is_not_there_is_said_to_be_so(database: Database) -> None:
    """By its number."""
    with database.read() as session, pytest.raises(NotFoundError, match="no conversation 7"):
        read_thread(session, 7, limit=5)
