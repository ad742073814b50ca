"""The list of entries: found however it is typed, a page at a time, with as many queries for many as for few."""

import pytest
from sqlalchemy import event

from helpdesk.records import faq, faq_list
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry

ENTRIES = [
    Entry("badge", "Where is my badge?", "Here.", phrasings=("door stays shut",), tags=("door", "card")),
    Entry("gym", "Where is the gym?", status="draft"),
    Entry("old", "Where is the fax?", "Gone.", status="archived"),
    Entry("vpn", "100% of the VPN is down", "", phrasings=("TUNNEL broken",)),
    Entry("wifi", "Wo ist das WLAN?", "Hier.", locale="de"),
]


@pytest.fixture
def filled(database: Database) -> Database:
    """Entries of every state."""
    with database.write() as session:
        faq.store_entries(session, ENTRIES, author="test")
    return database


@pytest.mark.parametrize(
    ("wanted", "slugs"),
    [
        ({}, ["badge", "gym", "old", "vpn", "wifi"]),
        ({"query": "tunnel Broken!"}, ["vpn"]),
        ({"query": "WHERE IS"}, ["badge", "gym", "old"]),
        ({"query": "100%"}, ["vpn"]),
        ({"query": "%"}, ["vpn"]),
        ({"query": "Wifi"}, ["wifi"]),
        ({"query": "nothing"}, []),
        ({"state": "published"}, ["badge", "wifi"]),
        ({"state": "draft"}, ["gym"]),
        ({"state": "unanswered"}, ["vpn"]),
        ({"state": "archived"}, ["old"]),
        ({"tag": "door"}, ["badge"]),
        ({"after": "gym"}, ["old", "vpn", "wifi"]),
        ({"limit": 1}, ["badge", "gym"]),
    ],
)
def test_entries_are_found(filled: Database, wanted: dict[str, object], slugs: list[str]) -> None:
    with filled.read() as session:
        found = faq_list.list_page(session, **{"limit": 9, **wanted})  # type: ignore[arg-type]

    assert [entry.slug for entry in found] == slugs


def test_a_line_tells_what_is_known(filled: Database) -> None:
    with filled.read() as session:
        (badge, *_) = faq_list.list_page(session, limit=9)
        counts = faq_list.count_states(session)

    assert (badge.phrasings, badge.tags, badge.author, badge.state) == (2, ("door", "card"), "test", "published")
    assert counts == {"published": 2, "draft": 1, "unanswered": 1, "archived": 1}


def test_many_entries_take_no_more_queries(filled: Database) -> None:
    with filled.write() as session:
        faq.store_entries(session, [Entry(f"e{n}", f"E {n}?", "So.") for n in range(300)], author="test")
    queries: list[str] = []
    event.listen(filled.engine, "before_cursor_execute", lambda *said: queries.append(said[2]))
    with filled.read() as session:
        assert len(faq_list.list_page(session, limit=100)) == 101

    assert len([query for query in queries if query.startswith("SELECT")]) == 3
