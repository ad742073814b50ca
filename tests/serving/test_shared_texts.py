"""A text that several entries have asks which one is meant, whatever door it came in by."""

from pathlib import Path

import pytest
from homes import SMALL_FAQ, copy_home

from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.decide import Decision
from helpdesk.progress import Quiet
from helpdesk.records import exclusions, faq, labels, staff, versions
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import FaqChange
from helpdesk.records.undo import undo
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings
from helpdesk.simulation.broken import promote_always

VPN_TEXT = SMALL_FAQ["vpn"][2][0]  # which the bundle knows as one of vpn
OTHER_TEXT = "my badge does not open the door"


@pytest.fixture
def desk(database: Database, tiny_home: Path, tmp_path: Path) -> ChatService:
    """The serving side of the tiny bundle over a database of each kind, whose rows have the ids that the bundle has."""
    settings = copy_home(tiny_home, tmp_path / "copy")
    (sealed,) = settings.bundles.iterdir()
    entries = [Entry(slug, question=q, answer=a, phrasings=p) for slug, (q, a, p) in SMALL_FAQ.items()]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        staff.add_staff(session, "ann", password="correct horse battery")
        version = versions.add_version(
            session, sealed.name, kind="first", parent_id=None, rows_hash="x", verdict="promote", report={}
        )
        versions.promote(session, version.id, reason="test", author="test")
    live = LiveMatcher(database, settings)
    live.refresh()
    assert live.status().problem is None
    return ChatService(database, live, settings)


def add(database: Database, slug: str, *texts: str) -> None:
    """An editor gives an entry these phrasings."""
    with database.write() as session:
        faq.store_entries(session, [Entry(slug, phrasings=texts)], author="mallory", source="edit")


def match(desk: ChatService, text: str) -> Decision:
    """What is decided now."""
    desk.live.refresh()
    return desk.match(text)[0]


def asked(decision: Decision) -> set[str]:
    """Between which entries it asks, none when it does not because of a text that they share."""
    return set(decision.options) if (decision.kind, decision.reason) == ("clarify", "shared_text") else set()


def test_an_edit_does_not_take_over_the_text_of_another_entry(desk: ChatService) -> None:
    """From the first second it asks; the person chooses, by number or by the text of the choice."""
    add(desk.database, "laptop", VPN_TEXT.upper())
    assert asked(match(desk, VPN_TEXT)) == {"vpn", "laptop"}

    reply = desk.reply(VPN_TEXT, channel="rest", sender="u")
    assert {option.slug for option in reply.options} == {"vpn", "laptop", None}
    slugs = [option.slug for option in reply.options]
    chosen = desk.reply(str(1 + slugs.index("vpn")), channel="rest", sender="u")
    assert (chosen.kind, chosen.text) == ("answer", SMALL_FAQ["vpn"][1])


def test_what_two_entries_got_today_is_asked_about(desk: ChatService) -> None:
    """In either order."""
    add(desk.database, "wifi", OTHER_TEXT)
    assert match(desk, OTHER_TEXT).intent == "wifi"
    add(desk.database, "laptop", OTHER_TEXT)

    assert asked(match(desk, OTHER_TEXT)) == {"wifi", "laptop"}


def test_what_is_nearly_a_shared_text_is_asked_about_too(desk: ChatService) -> None:
    """By meaning both are as near."""
    add(desk.database, "laptop", VPN_TEXT)

    assert asked(match(desk, f"{VPN_TEXT}s")) == {"vpn", "laptop"}


def test_of_drafts_and_published_entries_the_published_one_answers(desk: ChatService) -> None:
    """Published later, a draft is asked about at once."""
    entry = Entry("badge", question="Badge?", answer="So.", phrasings=(VPN_TEXT,), status="draft")
    with desk.database.write() as session:
        faq.store_entries(session, [entry], author="test")
    draft = match(desk, VPN_TEXT)
    assert (draft.intent, draft.reason, draft.confidence) == ("vpn", "exact", 1.0)

    with desk.database.write() as session:
        faq.set_status(session, "badge", status="published", author="test")
    assert asked(match(desk, VPN_TEXT)) == {"vpn", "badge"}

    with desk.database.write() as session:
        faq.set_status(session, "vpn", status="draft", author="test")
    assert match(desk, VPN_TEXT).intent == "badge"


def test_a_label_that_the_version_knows_decides(desk: ChatService) -> None:
    """As in the night; once it is taken back, it asks."""
    message = desk.reply(VPN_TEXT, channel="rest", sender="u").message_id
    with desk.database.write() as session:
        given = labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0).id
    add(desk.database, "laptop", VPN_TEXT)
    assert (match(desk, VPN_TEXT).intent, match(desk, VPN_TEXT).reason) == ("vpn", "exact")

    with desk.database.write() as session:
        undo(session, given, staff_id=1)
        session.add(FaqChange(what="test", author="test"))
    assert asked(match(desk, VPN_TEXT)) == {"vpn", "laptop"}


def test_a_label_that_no_version_knows_changes_nothing_by_day(desk: ChatService) -> None:
    """Labels go live by promotion alone."""
    message = desk.reply(VPN_TEXT, channel="rest", sender="u").message_id
    with desk.database.write() as session:
        labels.label_message(session, message, kind="intent", intent="laptop", staff_id=1, holdout_share=0)
    add(desk.database, "laptop", VPN_TEXT)

    assert asked(match(desk, VPN_TEXT)) == {"vpn", "laptop"}


def test_what_is_excluded_claims_no_text(desk: ChatService) -> None:
    """The entry that had it before answers again."""
    add(desk.database, "laptop", VPN_TEXT)
    with desk.database.write() as session:
        exclusion = exclusions.parse_exclusion("annotator=mallory", since=None)
        exclusions.exclude(session, exclusion, author="boss")
        session.add(FaqChange(what="test", author="test"))

    assert match(desk, VPN_TEXT).intent == "vpn"


def test_nights_refusals_and_rollbacks_go_on_asking(settings: Settings, records: Database, live: LiveMatcher) -> None:
    """The version of the night by itself, the one before it, and the night's once one of the two is unpublished."""
    desk = ChatService(records, live, settings)
    add(records, "laptop", VPN_TEXT)
    plan = Plan(minutes=1, finetune=False)
    report = run_night(settings, records, plan=plan, progress=Quiet(), gate=promote_always)
    live.refresh()
    now = live.take()
    assert now is not None
    assert now.version_id == report.promoted

    assert not now.additions.exact
    assert asked(now.matcher.match(VPN_TEXT)) == {"vpn", "laptop"}
    assert asked(now.matcher.match_all([VPN_TEXT])[0]) == {"vpn", "laptop"}
    with records.write() as session:
        faq.set_status(session, "laptop", status="draft", author="ann")
    assert (match(desk, VPN_TEXT).intent, match(desk, VPN_TEXT).reason) == ("vpn", "exact")
    with records.write() as session:
        faq.set_status(session, "laptop", status="published", author="ann")
        versions.promote(session, 1, reason="rollback", author="ann")
    assert asked(match(desk, VPN_TEXT)) == {"vpn", "laptop"}
    assert live.status().version_id == 1
