"""An entry that is deleted is gone for everybody who asks, and its labels are not lost."""

from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import conversations, faq, faq_delete, faq_edit, faq_history, faq_list, golden, labels, staff
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.faq_edit import EditedMeanwhileError, TypedEntry
from helpdesk.records.tables import Intent, Label, Phrasing

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "answer", "intent": "vpn", "confidence": 0.9, "out_of_scope": 0.0,
    "reason": "confident", "ranking": [], "options": [], "thresholds": {}, "inclusion_probability": None,
}  # fmt: skip


@pytest.fixture
def vpn(database: Database) -> int:
    """An entry with a phrasing, a golden phrase, a label and a message that it answered; its id."""
    entries = [
        Entry("vpn", "No VPN?", "Restart it.", phrasings=("tunnel down",)),
        Entry("wifi", "No Wi-Fi?", "Choose Office."),
    ]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        staff.add_staff(session, "ann", password="correct horse battery")
        golden.add(session, "tunnel shut", intent="vpn", author="test")
        message = conversations.log_message(
            session, "tunnel is shut", channel="rest", sender="u", external_id=None, decision=DECISION
        )
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0)
        return faq.find_intent(session, "vpn").id


def delete(database: Database, entry: int, *, labels_to: str = "", seen: int | None = None) -> None:
    """In a transaction of its own."""
    with database.write() as session:
        intent = faq_edit.find_entry(session, entry)
        target = faq.find_intent(session, labels_to) if labels_to else None
        seen = faq_history.newest(session, entry) if seen is None else seen
        faq_delete.delete_entry(session, intent, labels_to=target, seen=seen, author="ben")


def test_what_names_an_entry_is_counted_first(database: Database, vpn: int) -> None:
    with database.read() as session:
        assert faq_delete.uses(session, faq_edit.find_entry(session, vpn)) == faq_delete.Uses(1, 1, 2, 1)


def test_a_deleted_entry_is_gone(database: Database, vpn: int) -> None:
    """From lists, files, choices and promises."""
    delete(database, vpn)
    with database.write() as session:
        assert [intent.slug for intent in faq.list_intents(session)] == ["wifi"]
        assert [entry.slug for entry in faq_list.list_page(session, limit=9)] == ["wifi"]
        assert [slug for slug, _ in faq_list.entry_names(session)] == ["wifi"]
        assert golden.read(session) == []
        assert session.scalars(select(Phrasing).where(Phrasing.intent_id == vpn)).all() == []
        with pytest.raises(NotFoundError):
            faq.find_intent(session, "vpn")
        with pytest.raises(NotFoundError):
            faq_edit.find_entry(session, vpn)


def test_its_labels_are_listed_and_moved(database: Database, vpn: int) -> None:
    """Once; a label that has an entry stays there."""
    delete(database, vpn)
    with database.write() as session:
        (label,) = faq_delete.stranded_labels(session, limit=9)
        assert (label.text, label.intent and label.intent.question) == ("tunnel is shut", "No VPN?")
        assert faq_delete.count_stranded(session) == 1
        wifi = faq.find_intent(session, "wifi")
        assert faq_delete.move_labels(session, [label.id], wifi, author="ben") == 1
        assert faq_delete.move_labels(session, [label.id], wifi, author="ben") == 0
        assert faq_delete.stranded_labels(session, limit=9) == []
        assert session.scalars(select(Label.intent_id)).one() == wifi.id


def test_its_labels_go_where_they_are_told_to(database: Database, vpn: int) -> None:
    """But not to itself."""
    with pytest.raises(BadInputError, match="another one"):
        delete(database, vpn, labels_to="vpn")
    delete(database, vpn, labels_to="wifi")
    with database.read() as session:
        assert session.scalars(select(Intent.slug).join(Label)).one() == "wifi"
        assert faq_delete.count_stranded(session) == 0


def test_a_late_deletion_is_a_conflict(database: Database, vpn: int) -> None:
    with pytest.raises(EditedMeanwhileError):
        delete(database, vpn, seen=0)


def test_its_name_is_free_and_it_can_come_back(database: Database, vpn: int) -> None:
    """As a draft, under its name, or another one where that was taken."""
    delete(database, vpn)
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", "VPN?", "Wait.")], author="test")
        assert faq.find_intent(session, "VPN").id != vpn
        intent = faq_edit.find_entry(session, vpn, deleted=True)
        before = faq_history.history(session, vpn, limit=2)[1].revision.id
        faq_edit.revert(session, intent, before, seen=faq_history.newest(session, vpn), author="ben")
        assert (intent.slug, intent.status, intent.answer) == (f"vpn_{vpn}", "draft", "Restart it.")
        assert {phrasing.text for phrasing in intent.phrasings} == {"No VPN?", "tunnel down"}
        assert faq_delete.count_stranded(session) == 0


def test_a_new_entry_may_ask_the_same(database: Database, vpn: int) -> None:
    """Made by hand, renamed to, or imported."""
    delete(database, vpn)
    with database.write() as session:
        made = faq_edit.create(session, TypedEntry("vpn", "So."), publish=True, author="ann")
        assert (made.slug, faq.find_intent(session, "vpn").id) == ("vpn", made.id)


def test_a_label_is_taken_back_by_an_editor(database: Database, vpn: int) -> None:
    """Its message waits again; what comes twice changes nothing."""
    with database.write() as session:
        intent = faq_edit.find_entry(session, vpn)
        (label,) = faq_delete.labels_of(session, intent, limit=9)
        assert faq_delete.take_label(session, intent, label.id, author="ben") is label
        assert faq_delete.take_label(session, intent, label.id, author="ben") is None
        assert faq_delete.labels_of(session, intent, limit=9) == []
        with pytest.raises(NotFoundError):
            faq_delete.take_label(session, intent, 99, author="ben")
