"""What is renamed or merged by day is answered under its new name at once, and through the next night."""

import pytest
from homes import SMALL_FAQ

from helpdesk.learning.data.dataset import read_dataset
from helpdesk.learning.gate.evaluation import held_out, read_evaluation
from helpdesk.learning.lineage.why import explain
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import faq, names
from helpdesk.records.database import Database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import Live, LiveMatcher
from helpdesk.settings import Settings

VPN_TEXT, WIFI_TEXT = SMALL_FAQ["vpn"][2][0], SMALL_FAQ["wifi"][2][0]
NEAR = "vpn is not connecting again"


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """The serving side."""
    return ChatService(records, live, settings)


def taken(desk: ChatService) -> Live:
    """What serves now."""
    desk.live.refresh()
    now = desk.live.take()
    assert now is not None
    assert desk.live.status().problem is None
    return now


def rename(desk: ChatService, old: str, new: str) -> None:
    """Rename an entry."""
    with desk.database.write() as session:
        names.rename(session, faq.find_intent(session, old), new, author="test")


def merge(desk: ChatService, source: str, into: str) -> None:
    """Merge two entries."""
    with desk.database.write() as session:
        names.merge(session, faq.find_intent(session, source), faq.find_intent(session, into), author="test")


def test_a_renamed_entry_is_answered_at_once(desk: ChatService) -> None:
    """By its texts and by meaning, as surely as before; again after a second renaming, and back."""
    before = taken(desk).match(NEAR).ranking
    for new in ("tunnel", "remote_access", "vpn"):
        rename(desk, "vpn", new)
        now = taken(desk)
        assert (now.match(VPN_TEXT).intent, now.match(VPN_TEXT).reason) == (new, "exact")
        after = {ranked.intent: ranked.confidence for ranked in now.match(NEAR).ranking}
        assert after == pytest.approx({new if r.intent == "vpn" else r.intent: r.confidence for r in before})


def test_merged_entries_are_one_at_once(desk: ChatService) -> None:
    """What was probably one of the two is surely the one that is left."""
    before = {ranked.intent: ranked.confidence for ranked in taken(desk).match(NEAR).ranking}
    merge(desk, "wifi", "vpn")
    now = taken(desk)
    after = {ranked.intent: ranked.confidence for ranked in now.match(NEAR).ranking}

    assert now.match(WIFI_TEXT).intent == now.match(VPN_TEXT).intent == "vpn"
    assert len(now.match(NEAR).ranking) == len(after) == len(before) - 1
    assert after["vpn"] == pytest.approx(before["vpn"] + before["wifi"])
    assert desk.reply(WIFI_TEXT, channel="rest", sender="u").text == SMALL_FAQ["vpn"][1]


def test_a_delivery_and_a_choice_of_before_still_work(desk: ChatService) -> None:
    """The log says the old name; the reply is the same, the number means the same, and why is told as today."""
    first = desk.reply(VPN_TEXT, channel="rest", sender="u", external_id="1")
    with desk.database.write() as session:
        faq.store_entries(session, [faq.Entry("laptop", phrasings=(WIFI_TEXT,))], author="test")
    taken(desk)
    asked = desk.reply(WIFI_TEXT, channel="rest", sender="v")
    number = 1 + [option.slug for option in asked.options].index("laptop")
    rename(desk, "vpn", "tunnel")
    rename(desk, "laptop", "notebook")
    taken(desk)

    why = explain(desk.settings, desk.database, message_id=first.message_id)
    assert why.winner is not None
    assert (why.decision.intent, why.first_version) == ("tunnel", 1)
    assert {origin.intent for origin in why.winner.said_by} == {"tunnel"}
    again = desk.reply(VPN_TEXT, channel="rest", sender="u", external_id="1")
    assert (again.text, again.intents) == (first.text, ("vpn",))
    assert desk.reply(str(number), channel="rest", sender="v").text == SMALL_FAQ["laptop"][1]


def test_the_night_after_a_renaming_compares_like_with_like(desk: ChatService) -> None:
    """The version in service is held against tonight's under the new names, and goes on answering with them."""
    rename(desk, "vpn", "tunnel")
    merge(desk, "wifi", "printer")
    bundle = taken(desk).matcher.bundle
    with desk.database.read() as session:
        dataset = read_dataset(session)
    assert set(dataset.intents) == set(bundle.intents) == {"tunnel", "printer", "password", "laptop"}
    assert {true for true, *_ in read_evaluation(bundle).values()} == set(bundle.intents)
    assert held_out(bundle, dataset) == {}

    report = run_night(desk.settings, desk.database, plan=Plan(minutes=1, finetune=False), progress=Quiet())
    verdict = report.verdicts["refreshed"]
    assert verdict.promote, verdict.reasons
    assert taken(desk).matcher.bundle.intents == dataset.intents
    assert taken(desk).match(WIFI_TEXT).intent == "printer"
