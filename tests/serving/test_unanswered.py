"""An entry without an answer text is matched and reported, and never spoken."""

from pathlib import Path

import pytest
from clients import label, log_in
from flask.testing import FlaskClient
from homes import SMALL_FAQ
from sqlalchemy import func, select

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import Decision, Ranked, speak
from helpdesk.records import faq, queue, traffic
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.files.faq_files import read_faq
from helpdesk.records.tables import DecisionRow
from helpdesk.serving.chat_service import ChatService, Reply
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

VPN_TEXT = SMALL_FAQ["vpn"][2][0]
BADGE_TEXT = "my badge does not open the door"


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """The serving side."""
    return ChatService(records, live, settings)


def store(desk: ChatService, *entries: Entry) -> None:
    """An import, taken up."""
    with desk.database.write() as session:
        faq.store_entries(session, entries, author="test")
    desk.live.refresh()


def say(desk: ChatService, text: str) -> Reply:
    """One message of one person."""
    return desk.reply(text, channel="rest", sender="u")


@pytest.mark.parametrize(
    ("kind", "named", "spoken"),
    [
        (DecisionKind.ANSWER, ("a",), DecisionKind.ANSWER),
        (DecisionKind.ANSWER, ("x",), DecisionKind.FALLBACK),
        (DecisionKind.CLARIFY, ("x", "a"), DecisionKind.CLARIFY),
        (DecisionKind.CLARIFY, ("x", "y"), DecisionKind.FALLBACK),
    ],
)
def test_only_what_has_an_answer_is_spoken(kind: DecisionKind, named: tuple[str, ...], spoken: DecisionKind) -> None:
    """A question is asked if at least one of its choices leads to an answer; the ranking stays."""
    ranking = tuple(Ranked(intent, 0.9) for intent in named)
    options = named if kind == DecisionKind.CLARIFY else ()
    decision = speak(Decision(kind, ranking, options, DecisionReason.CONFIDENT), answered={"a"})

    assert decision.kind == spoken
    assert decision.ranking == ranking
    assert (decision.reason == "no_answer") == (spoken == DecisionKind.FALLBACK)


def test_bare_rows_are_matched_and_handed_over_until_they_have_an_answer(desk: ChatService, tmp_path: Path) -> None:
    """What they match stands in the ranking and in the queue; a later import makes a normal entry of them."""
    path = tmp_path / "bare.csv"
    path.write_text(f"text,intent\n{BADGE_TEXT},door_badge\n")
    store(desk, *read_faq(path).entries)
    reply = say(desk, BADGE_TEXT)
    assert (reply.kind, reply.reason, reply.text) == ("fallback", "no_answer", "I am not sure I can answer that.")
    assert [row["intent"] for row in reply.ranking] == ["door_badge"]
    with desk.database.read() as session:
        waiting = queue.items(session, review_below=0.5, limit=5)
    assert [item.text for item in waiting] == [BADGE_TEXT]

    store(desk, Entry("door_badge", answer="Go to reception."))
    assert (say(desk, BADGE_TEXT).kind, say(desk, BADGE_TEXT).text) == ("answer", "Go to reception.")


def test_an_answer_that_is_taken_away_is_not_spoken_any_more(desk: ChatService) -> None:
    """Blanks are none; by meaning as by the text itself."""
    store(desk, *(Entry(slug, answer=" \n") for slug in SMALL_FAQ))

    assert say(desk, VPN_TEXT).reason == "no_answer"
    assert desk.match(VPN_TEXT)[0].ranking[0].intent == "vpn"
    for text in ("vpn keeps disconnecting", "Hello, forgot my password. Also the printer is out of toner."):
        assert say(desk, text).kind == "fallback"


def test_a_chosen_entry_without_an_answer_is_handed_over(desk: ChatService) -> None:
    """It is counted as that, and the number that was typed does not wait for a label."""
    store(desk, Entry("door_badge", question="Which badge?", phrasings=(VPN_TEXT,)))
    asked = say(desk, VPN_TEXT)
    choice = [option.slug for option in asked.options].index("door_badge")
    reply = say(desk, str(choice + 1))

    assert (reply.kind, reply.reason, reply.text) == ("fallback", "choice", "I am not sure I can answer that.")
    assert reply.ranking[0]["intent"] == "door_badge"
    with desk.database.read() as session:
        found = traffic.count_outcomes(session, since=None)
        assert [item.text for item in queue.items(session, review_below=0.5, limit=5)] == [VPN_TEXT]
        assert session.scalar(select(func.count()).select_from(DecisionRow)) == 2
    assert (found.clarified, found.unanswered, found.rejected, found.chosen) == (1, 1, 0, 0)


def test_the_public_lists_leave_it_out(client: FlaskClient, desk: ChatService) -> None:
    """There is nothing to show yet."""
    store(desk, Entry("vpn", answer=""))

    listed = {entry["intent"] for entry in client.get("/api/v1/faqs").json["faqs"]}  # type: ignore[index]
    found = client.get(f"/api/v1/search?q={VPN_TEXT}&limit=3").json["results"]  # type: ignore[index]
    assert listed == {entry["intent"] for entry in found} | {"wifi", "laptop", "password", "printer"}
    assert "vpn" not in listed
    assert len(found) == 3


def test_the_desk_goes_on_labelling_with_it(client: FlaskClient, desk: ChatService) -> None:
    """It is found and chosen like any other."""
    store(desk, Entry("vpn", answer=""))
    message = say(desk, "vpn is dead again").message_id
    log_in(client)

    assert 'value="intent:vpn"' in client.get(f"/desk?item={message}&q=vpn").text
    assert label(client, message, "intent:vpn").status_code == 303
