"""The FAQ keeps what it is given, once."""

import pytest

from helpdesk.errors import BadInputError, ConflictError, NotFoundError
from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.shared_texts import shared_texts


def test_a_phrasing_is_stored_once_however_it_is_typed(database: Database) -> None:
    """Texts that normalise alike are one phrasing of an intent."""
    entry = Entry("vpn", question="VPN?", phrasings=("Connect VPN", "connect  vpn!", "vpn"))
    with database.write() as session:
        stored = faq.store_entries(session, [entry], author="test")

    assert (stored.phrasings_new, stored.phrasings_known, stored.questions_new) == (2, 1, 0)


def test_importing_again_adds_nothing_and_removes_nothing(database: Database) -> None:
    """An import is safe to repeat."""
    entry = Entry("vpn", question="How do I connect?", answer="So.", phrasings=("connect vpn",))
    with database.write() as session:
        faq.store_entries(session, [entry], author="test")
        again = faq.store_entries(session, [entry, Entry("vpn", phrasings=("new one",))], author="test")

    assert (again.intents_new, again.phrasings_new, again.questions_new) == (0, 1, 0)


def test_an_entry_without_answer_is_a_draft(database: Database) -> None:
    """Nothing is answered with an empty answer."""
    with database.write() as session:
        assert faq.create_intent(session, "Where is the canteen?", answer=" ", author="a").status == "draft"
        assert faq.create_intent(session, "Where is IT?", answer="Room 1.", author="a").status == "published"


def test_the_same_question_twice_is_a_conflict(database: Database) -> None:
    """The slug is the identity of an entry."""
    with database.write() as session:
        faq.create_intent(session, "Where is IT?", answer="", author="a")

        with pytest.raises(ConflictError, match="where_is_it"):
            faq.create_intent(session, "where is it", answer="", author="a")


@pytest.mark.parametrize("question", ["", "???", "\u200b"])
def test_a_question_needs_letters(database: Database, question: str) -> None:
    """A question without letters or digits is refused."""
    with database.write() as session, pytest.raises(BadInputError, match="no letters"):
        faq.create_intent(session, question, answer="", author="a")


def test_every_change_raises_the_revision(database: Database) -> None:
    """Running processes can tell that the FAQ changed."""
    with database.write() as session:
        before = faq.revision(session)
        faq.create_intent(session, "Where is IT?", answer="", author="a")
        session.flush()
        created = faq.revision(session)
        faq.set_status(session, "where_is_it", status="published", author="a")
        session.flush()

        assert before < created < faq.revision(session)


def test_an_unknown_slug_is_named(database: Database) -> None:
    """The error repeats the slug."""
    with database.read() as session, pytest.raises(NotFoundError, match="'nope'"):
        faq.find_intent(session, "nope")


def test_texts_of_several_published_entries_are_named(database: Database) -> None:
    """However they are typed; those of drafts, and of entries that nobody asked about, are not."""
    entries = [
        Entry("vpn", question="No VPN?", phrasings=("It is down", "slow")),
        Entry("wifi", question="No Wi-Fi?", phrasings=("it is DOWN!",)),
        Entry("printer", question="No print?", phrasings=("slow",)),
        Entry("badge", question="No badge?", phrasings=("it is down", "slow"), status="draft"),
    ]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        (shared,) = shared_texts(session, ["wifi", "badge"])

    assert shared.sentence() == '"It is down" is a phrasing of vpn and wifi: it is asked which one is meant'


def test_an_import_counts_the_entries_without_an_answer(database: Database) -> None:
    """They are published and matched; drafts are not, and an answer makes a normal entry of one."""
    entries = [
        Entry("vpn"),
        Entry("wifi", answer="  "),
        Entry("gym", answer="", status="draft"),
        Entry("a", answer="So."),
    ]
    with database.write() as session:
        stored = faq.store_entries(session, entries, author="test")
        states = [faq.state(intent) for intent in faq.list_intents(session)]
        again = faq.store_entries(session, [Entry("vpn", answer="Restart it."), Entry("wifi")], author="test")

        assert states == ["published", "draft", "unanswered", "unanswered"]
        assert "2 without an answer yet" in stored.sentence()
        assert (again.unanswered, faq.state(faq.find_intent(session, "vpn"))) == (1, "published")
