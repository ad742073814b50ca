"""What is taken out of the FAQ is not matched exactly any more from the next poll on, whatever the version knows."""

import pytest
from homes import SMALL_FAQ
from sqlalchemy import select

from helpdesk.decisions import DecisionReason
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.decide import Decision
from helpdesk.progress import Quiet
from helpdesk.records import faq, faq_delete, faq_edit, faq_history, labels
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.faq_edit import TypedEntry
from helpdesk.records.tables import Intent, Phrasing
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.simulation.broken import promote_always
from helpdesk.text import normalise

TEXT, KEPT = SMALL_FAQ["vpn"][2][:2]


@pytest.fixture
def desk(records: Database, live: LiveMatcher, settings: Settings) -> ChatService:
    """The serving side."""
    return ChatService(records, live, settings)


def match(desk: ChatService, text: str) -> Decision:
    """After the next poll."""
    desk.live.refresh()
    return desk.match(text)[0]


def is_exact(desk: ChatService, text: str) -> bool:
    """Whether a text is answered because it is known by itself."""
    return match(desk, text).reason == DecisionReason.EXACT


def remove(records: Database, text: str, slug: str = "vpn") -> None:
    """Take a phrasing from an entry."""
    with records.write() as session:
        entry = session.scalars(select(Intent.id).where(Intent.slug == slug)).one()
        here = Phrasing.intent_id == entry, Phrasing.normalised == normalise(text)
        number = session.scalars(select(Phrasing.id).where(*here)).one()
        assert faq_edit.remove_phrasing(session, faq_edit.find_entry(session, entry), number, text=text, author="ann")


def test_a_removed_phrasing_is_not_matched_exactly(desk: ChatService) -> None:
    """Others are; given back, it is again. The chat and outsiders do not see it as a phrasing either."""
    assert is_exact(desk, TEXT)
    remove(desk.database, TEXT)
    assert not is_exact(desk, TEXT)
    assert is_exact(desk, KEPT)
    live = desk.live.take()
    assert live is not None
    assert not live.is_phrasing(TEXT)

    with desk.database.write() as session:
        faq.store_entries(session, [Entry("vpn", phrasings=(TEXT,))], author="ann", source="edit")
    assert is_exact(desk, TEXT)


def test_a_new_phrasing_with_the_number_of_a_removed_one_is_known(desk: ChatService) -> None:
    """SQLite gives the greatest number again."""
    with desk.database.read() as session:
        last = session.scalars(select(Phrasing).order_by(Phrasing.id.desc()).limit(1)).one()
        slug, text = session.get_one(Intent, last.intent_id).slug, last.text
    remove(desk.database, text, slug)
    with desk.database.write() as session:
        faq.store_entries(session, [Entry("wifi", phrasings=("where is the antenna",))], author="ann", source="edit")

    assert match(desk, "where is the antenna").intent == "wifi"
    assert not is_exact(desk, text)


def test_of_a_shared_text_the_other_entry_has_it_alone(desk: ChatService) -> None:
    """Whether the version knows it of both or of one."""
    with desk.database.write() as session:
        faq.store_entries(session, [Entry("wifi", phrasings=(TEXT,))], author="ann", source="edit")
    assert match(desk, TEXT).reason == DecisionReason.SHARED_TEXT
    remove(desk.database, TEXT)

    assert match(desk, TEXT).intent == "wifi"
    assert is_exact(desk, TEXT)


def test_a_deleted_entry_answers_nothing_nor_does_one_of_its_name(desk: ChatService) -> None:
    with desk.database.write() as session:
        intent = faq.find_intent(session, "vpn")
        seen = faq_history.newest(session, intent.id)
        faq_delete.delete_entry(session, intent, labels_to=None, seen=seen, author="ann")
    assert match(desk, TEXT).intent != "vpn"

    with desk.database.write() as session:
        faq_edit.create(session, TypedEntry("vpn", "Another answer."), publish=True, author="ann")
    assert not is_exact(desk, TEXT)
    assert is_exact(desk, "VPN?")


def test_an_archived_entry_is_like_a_draft(desk: ChatService) -> None:
    with desk.database.write() as session:
        faq.set_status(session, "vpn", status="archived", author="ann")
    assert match(desk, TEXT).intent != "vpn"
    assert "vpn" not in {ranked.intent for ranked in match(desk, TEXT).ranking}

    with desk.database.write() as session:
        faq.set_status(session, "vpn", status="published", author="ann")
    assert is_exact(desk, TEXT)


def test_what_is_split_off_answers_with_the_new_entry(desk: ChatService) -> None:
    """By its very text and nearly so: the version's own knowledge of it does not count against it."""
    with desk.database.write() as session:
        intent = faq.find_intent(session, "vpn")
        seen = faq_history.newest(session, intent.id)
        ids = [phrasing.id for phrasing in intent.phrasings if phrasing.text == TEXT]
        typed = TypedEntry("Is the tunnel shut?", "Dig.")
        faq_edit.split(session, intent, typed, phrasings=ids, labels=(), seen=seen, author="ann")

    assert (match(desk, TEXT).intent, match(desk, TEXT).reason) == ("is_the_tunnel_shut", "exact")
    assert match(desk, f"{TEXT} !").intent == "is_the_tunnel_shut"


def test_a_text_that_a_label_of_the_version_claims_stays(desk: ChatService) -> None:
    """Somebody said that it means this entry."""
    message = desk.reply(TEXT, channel="rest", sender="u").message_id
    with desk.database.write() as session:
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0)
    remove(desk.database, TEXT)

    assert is_exact(desk, TEXT)


def test_a_removal_lasts_through_the_night(settings: Settings, records: Database, live: LiveMatcher) -> None:
    """And through a refused one."""
    desk = ChatService(records, live, settings)
    remove(records, TEXT)
    run_night(settings, records, plan=Plan(minutes=1, finetune=False), progress=Quiet(), gate=promote_always)
    assert not is_exact(desk, TEXT)
    now = live.take()
    assert now is not None
    assert now.version_id == 2
    assert now.additions.removed == frozenset()
