"""An entry that is renamed or merged keeps everything, and answers to all its names."""

from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.errors import BadInputError, ConflictError
from helpdesk.records import audit, conversations, faq, golden, labels, names, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Label

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "answer", "intent": "vpn", "confidence": 0.9, "out_of_scope": 0.0,
    "reason": "confident", "ranking": [{"intent": "vpn", "confidence": 0.9, "nearest": None, "similarity": None}],
    "options": [], "thresholds": {}, "inclusion_probability": 1.0,
}  # fmt: skip


@pytest.fixture
def filled(database: Database) -> Database:
    """Two entries that share a text; one has a label, a golden phrase and a logged answer."""
    entries = [
        Entry("vpn", "No VPN?", "Restart it.", phrasings=("tunnel down", "it is down")),
        Entry("network", "No network?", "Plug it in.", phrasings=("it is down",)),
    ]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        staff.add_staff(session, "ann", password="correct horse battery")
        golden.add(session, "tunnel shut", intent="vpn", author="test")
        message = conversations.log_message(
            session, "tunnel is shut", channel="rest", sender="u", external_id=None, decision=DECISION
        )
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0)
    return database


def rename(database: Database, old: str, new: str) -> str:
    """In a transaction of its own."""
    with database.write() as session:
        return names.rename(session, faq.find_intent(session, old), new, author="test")


def merge(database: Database, source: str, into: str) -> None:
    """In a transaction of its own."""
    with database.write() as session:
        names.merge(session, faq.find_intent(session, source), faq.find_intent(session, into), author="test")


def carried(database: Database, slug: str) -> None:
    """Everything that was vpn's is this entry's, under either name."""
    with database.read() as session:
        intent = faq.find_intent(session, "vpn")
        assert intent.slug == slug
        assert session.scalars(select(Label.intent_id)).one() == intent.id
        assert [phrase.intent for phrase in golden.read(session)] == [slug]
        assert names.current_names(session)["vpn"] == slug
        assert names.questions(session)["vpn"] == intent.question
        (sample,) = audit.read_sample(session, since=now() - audit.AUDIT_WINDOW, review_below=0.5)
        assert (sample.meaning, sample.intents, sample.best) == (slug, (slug,), slug)


def test_a_renamed_entry_keeps_everything(filled: Database) -> None:
    """Its old name still means it, in the log and in files; it may get it back."""
    with filled.read() as session:
        before = faq.revision(session)
    assert rename(filled, "VPN", "Virtual Network") == "virtual_network"
    carried(filled, "virtual_network")
    with filled.write() as session:
        assert faq.store_entries(session, [Entry("vpn", answer="Wait.")], author="test").intents_new == 0
        assert faq.find_intent(session, "virtual_network").answer == "Wait."
        assert faq.revision(session) > before

    assert rename(filled, "virtual_network", "vpn") == "vpn"
    with filled.read() as session:
        assert names.current_names(session) == {"virtual_network": "vpn"}


def test_a_merged_entry_brings_everything_along(filled: Database) -> None:
    """A phrasing that both have is kept once; question and answer are those of the other."""
    rename(filled, "vpn", "tunnel")
    merge(filled, "tunnel", "network")
    carried(filled, "network")
    with filled.read() as session:
        (intent,) = faq.list_intents(session)
        assert (intent.question, intent.answer) == ("No network?", "Plug it in.")
        assert sorted(p.normalised for p in intent.phrasings) == ["it is down", "no network", "no vpn", "tunnel down"]
        assert names.current_names(session) == {"vpn": "network", "tunnel": "network"}


def test_what_is_published_is_not_merged_into_a_draft(filled: Database) -> None:
    """Nobody would be answered any more, and nobody was told."""
    with filled.write() as session:
        faq.set_status(session, "network", status="draft", author="test")
    with pytest.raises(ConflictError, match="'network' is not published, so what 'vpn' answers would not be answered"):
        merge(filled, "vpn", "network")


def test_no_name_means_two_entries(filled: Database) -> None:
    """Neither one that another entry has, nor one that it had."""
    rename(filled, "vpn", "tunnel")
    for taken in ("Network", "tunnel"):
        with pytest.raises(ConflictError, match="already"):
            rename(filled, "vpn", taken)
    with pytest.raises(ConflictError, match="another entry"):
        rename(filled, "network", "VPN")
    with pytest.raises(ConflictError, match="'tunnel'"), filled.write() as session:
        faq.create_intent(session, "VPN?", answer="So.", author="test")
    with pytest.raises(BadInputError, match="no letters"):
        rename(filled, "network", "!!")
    with pytest.raises(ConflictError, match="itself"):
        merge(filled, "vpn", "tunnel")


def test_a_merged_entrys_number_is_not_given_again(filled: Database) -> None:
    """A form that is open still must not change an entry that came later."""
    with filled.write() as session:
        source, into = faq.find_intent(session, "network"), faq.find_intent(session, "vpn")
        if source.id < into.id:
            source, into = into, source
        gone = source.id
        names.merge(session, source, into, author="ann")
        faq.store_entries(session, [Entry("later", "Later?", "Yes.")], author="ann")
        assert faq.find_intent(session, "later").id > gone
