"""Golden phrases: what staff promise about a text."""

import pytest

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq, golden
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.golden import GoldenPhrase


@pytest.fixture
def vpn(database: Database) -> str:
    """The slug of the only intent there is."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", question="Why no VPN?", answer="Restart it.")], author="test")
    return "vpn"


def test_promises_are_read_back_oldest_first(database: Database, vpn: str) -> None:
    """Always this answer, or never an answer; the text stays as it was typed."""
    with database.write() as session:
        first = golden.add(session, " VPN is down! ", intent=vpn, author="ann")
        second = golden.add(session, "what is your salary", intent=None, author="ann")

    with database.read() as session:
        assert golden.read(session) == [
            GoldenPhrase(first, "VPN is down!", vpn),
            GoldenPhrase(second, "what is your salary", None),
        ]


def test_one_text_has_one_promise(database: Database, vpn: str) -> None:
    """Texts are compared as normalised; the message names the promise that is in the way."""
    with database.write() as session:
        first = golden.add(session, "VPN is down", intent=vpn, author="ann")

    with database.write() as session, pytest.raises(ConflictError, match=f"golden phrase {first} already"):
        golden.add(session, "vpn is  DOWN?", intent=None, author="bob")


def test_nothing_is_promised_about_nothing(database: Database, vpn: str) -> None:
    """An empty text and an unknown intent are refused, each by name."""
    with database.write() as session:
        with pytest.raises(BadInputError, match=r"'\?!' has no letters"):
            golden.add(session, "?!", intent=vpn, author="ann")
        with pytest.raises(NotFoundError, match="no intent 'wlan'"):
            golden.add(session, "wifi", intent="wlan", author="ann")
        assert golden.read(session) == []


def test_a_promise_can_be_taken_back_once(database: Database, vpn: str) -> None:
    """Afterwards the text is free again; an id that is gone is an error."""
    with database.write() as session:
        first = golden.add(session, "VPN is down", intent=vpn, author="ann")
        golden.remove(session, first, author="ann")
        assert golden.read(session) == []
        golden.add(session, "VPN is down", intent=None, author="ann")

    with database.write() as session, pytest.raises(NotFoundError, match="no golden phrase 99"):
        golden.remove(session, 99, author="ann")


def test_a_promise_goes_with_its_intent(database: Database, vpn: str) -> None:
    """A deleted entry cannot be answered any more; a promise never to answer must not come of it."""
    with database.write() as session:
        golden.add(session, "VPN is down", intent=vpn, author="ann")
        golden.add(session, "what is your salary", intent=None, author="ann")
        session.delete(faq.find_intent(session, vpn))

    with database.read() as session:
        assert [phrase.text for phrase in golden.read(session)] == ["what is your salary"]
