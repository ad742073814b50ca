"""What the bot cannot answer: said otherwise once, then handed over; nothing is said of people that is not so."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from helpdesk.decisions import HandoverStage
from helpdesk.errors import BadInputError
from helpdesk.records import cases, faq, inbox, queue
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import CaseReason, CaseRow, DecisionRow, DeliveryRow, DeliveryState, Message
from helpdesk.serving.chat_service import ChatService, Reply
from helpdesk.serving.entries import FaqEntry
from helpdesk.serving.handoff import MessageOutcome, decide_handover, describe_handover, hand_over_unhelpful
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.telling import NOT_SET_UP
from helpdesk.settings import Settings, load_settings

UNKNOWN, OTHER = "what is the capital of peru", "who won the match"
ADDED = "I have added this to your request."
PASSED_ON = "I have passed your message on to a colleague."
REPHRASE = "I did not find an answer to that. Please say it in other words."
MAILED = {"smtp_host": "mail", "mail_from": "bot@example.org", "mail_to": ("desk@example.org",)}
Make = Callable[..., ChatService]


@pytest.fixture
def make(settings: Settings, records: Database) -> Make:
    """Makes a desk of some settings."""

    def made(**more: Any) -> ChatService:
        changed = load_settings(**settings.model_dump() | more)
        live = LiveMatcher(records, changed)
        live.refresh()
        return ChatService(records, live, changed)

    return made


def say(desk: ChatService, text: str, sender: str = "u", **more: Any) -> Reply:
    """One message of a chat."""
    return desk.reply(text, channel="rest", sender=sender, **more)


def opened(desk: ChatService) -> list[tuple[int, str, bool]]:
    """(message, reason, urgent) of every case."""
    with desk.database.read() as session:
        rows = select(CaseRow.message_id, CaseRow.reason, CaseRow.urgent).order_by(CaseRow.id)
        return list(session.execute(rows).tuples())


def entry(slug: str = "vpn", *, urgent: bool = False, tags: tuple[str, ...] = ()) -> FaqEntry:
    """A published entry."""
    return FaqEntry(slug, "q", "a", "en", tags, "q", urgent=urgent)


@pytest.mark.parametrize(
    ("outcome", "again", "reason"),
    [
        (MessageOutcome("fallback", "unsure"), False, None),
        (MessageOutcome("fallback", "empty"), False, None),
        (MessageOutcome("fallback", "known_out_of_scope"), False, None),
        (MessageOutcome("fallback", "unsure"), True, CaseReason.TWO_FAILED_TRIES),
        (MessageOutcome("fallback", "none_of_these"), False, CaseReason.NONE_OF_THESE),
        (MessageOutcome("fallback", "language", foreign=True), False, CaseReason.LANGUAGE),
        (MessageOutcome("fallback", "known_out_of_scope", foreign=True), False, CaseReason.LANGUAGE),
        (MessageOutcome("fallback", "no_answer"), False, CaseReason.NO_ANSWER),
        (MessageOutcome("fallback", "choice"), False, CaseReason.NO_ANSWER),
        (MessageOutcome("fallback", "no_version"), False, CaseReason.NO_ANSWER),
        (MessageOutcome("handoff", "asked"), False, CaseReason.ASKED),
        (MessageOutcome("answer", "exact", (entry(), entry(urgent=True))), False, CaseReason.URGENT),
        (MessageOutcome("answer", "exact", (entry(tags=("Law",)),)), False, CaseReason.FLAGGED),
        (MessageOutcome("answer", "exact", (entry(tags=("network",)),)), True, None),
        (MessageOutcome("clarify", "between"), True, None),
        (MessageOutcome("smalltalk", "thanks"), True, None),
    ],
)
def test_one_place_decides(outcome: MessageOutcome, again: bool, reason: CaseReason | None) -> None:
    """With people there is a case; without, the same messages are told the contact; the others are the same."""
    settings = load_settings(handover_tags="law")
    first = HandoverStage.REPHRASE if outcome.kind == "fallback" else None
    found = decide_handover(outcome, settings, tried=again, waiting=False, told=True)
    alone = decide_handover(outcome, settings, tried=again, waiting=False, told=False)

    assert (found.stage, found.reason) == (HandoverStage.HANDED_OVER if reason else first, reason)
    assert (alone.stage, alone.reason) == (HandoverStage.CONTACT if reason else first, None)


def test_the_second_try_in_a_row_is_handed_over(make: Make) -> None:
    """The decision stays what it was; a third message joins the same case."""
    desk = make(inbox=True)
    replies = [say(desk, text) for text in (UNKNOWN, OTHER, "asdf qwer")]

    assert [reply.kind for reply in replies] == ["fallback"] * 3
    assert [reply.text for reply in replies] == [REPHRASE, f"I am not sure I can answer that. {PASSED_ON}", ADDED]
    assert opened(desk) == [(replies[1].message_id, "two_failed_tries", False)]


def test_small_talk_does_not_break_the_row_and_an_answer_does(make: Make) -> None:
    """Nor does a try of yesterday count, nor one of somebody else."""
    desk = make(inbox=True)
    say(desk, UNKNOWN)
    say(desk, "forgot my password")
    assert say(desk, OTHER).text == REPHRASE
    assert say(desk, OTHER, sender="another").text == REPHRASE
    say(desk, "thanks")
    with simulated_time() as clock:
        clock.set(now() + timedelta(days=1))
        assert say(desk, UNKNOWN).text == REPHRASE
    assert opened(desk) == []
    assert say(desk, UNKNOWN).text.endswith(PASSED_ON)


def test_a_wish_for_a_person_is_handed_over_at_once(make: Make) -> None:
    """In its language."""
    desk = make(inbox=True)

    assert say(desk, "quiero hablar con una persona").text == "He pasado su mensaje a un compañero."
    assert [reason for _, reason, _ in opened(desk)] == ["asked"]


@pytest.mark.parametrize(
    ("text", "alone", "contact"),
    [
        ("I want to talk to a human", "There is nobody here whom I could pass your message on to.", ""),
        (UNKNOWN, "I am not sure I can answer that.", "I am not sure I can answer that. "),
    ],
)
def test_without_people_nothing_is_claimed(make: Make, text: str, alone: str, contact: str) -> None:
    """No case; the contact is named where there is one."""
    desk = make()
    for sender, setting in {"a": None, "b": "help@example.org"}.items():
        desk = make(contact=setting)
        say(desk, OTHER, sender=sender)
        said = say(desk, text, sender=sender).text
        assert said == (f"{contact}You can reach us at help@example.org." if setting else alone)
    assert opened(desk) == []


def test_operators_may_say_it_in_their_own_words(make: Make) -> None:
    """Of the second try; the contact stands where they want it."""
    desk = make(contact="555-0100", fallback_text="No idea. Ring {contact}.")

    assert [say(desk, text).text for text in (UNKNOWN, OTHER)] == [REPHRASE, "No idea. Ring 555-0100."]


def test_another_language_is_handed_over_at_once(make: Make) -> None:
    """In that language."""
    desk = make(inbox=True)
    said = say(desk, "Wo bekomme ich eigentlich einen Schein für das Angeln im See?").text

    assert said.startswith("Ich verstehe nur: English. Ich habe Ihre Nachricht an ")
    assert [reason for _, reason, _ in opened(desk)] == ["language"]


def test_outside_office_hours_it_is_said_when_somebody_is_there(make: Make) -> None:
    """And within them nothing; a delivery that is repeated later is told what the first one was told."""
    desk = make(inbox=True, office_hours="Mon-Fri 09:00-17:00", office_zone="Europe/Berlin")
    with simulated_time() as clock:
        clock.set(datetime(2026, 11, 27, 17, 30, tzinfo=UTC))  # a Friday
        late = say(desk, "human please", external_id="late")
        clock.set(datetime(2026, 11, 30, 9, 0, tzinfo=UTC))
        again = say(desk, "human please", external_id="late")
        early = say(desk, "human please", sender="other")

    assert late.text == again.text == f"{PASSED_ON} Somebody is there again on Monday at 09:00 (CET)."
    assert early.text == PASSED_ON


def test_a_repeated_delivery_is_told_the_same_and_opens_nothing(make: Make) -> None:
    """Whatever was said since, and though people are there only now."""
    desk = make(contact="555-0100")
    first, second = (say(desk, text, external_id=text) for text in (UNKNOWN, OTHER))
    desk = make(contact="555-0100", inbox=True)
    say(desk, "forgot my password")

    assert [say(desk, text, external_id=text) for text in (UNKNOWN, OTHER)] == [first, second]
    assert opened(desk) == []


def test_an_urgent_entry_is_answered_and_handed_over(make: Make) -> None:
    """Also what waits already becomes urgent then."""
    desk = make(inbox=True)
    say(desk, "human please")
    with desk.database.write() as session:
        faq.store_entries(session, [Entry("vpn", urgent=True)], author="test")
    desk.live.refresh()
    reply = say(desk, "vpn not connecting")

    assert (reply.kind, reply.text) == ("answer", f"Restart the VPN client.\n\n{ADDED}")
    assert [urgent for _, _, urgent in opened(desk)] == [True]
    assert say(desk, "vpn not connecting", sender="other").text == f"Restart the VPN client.\n\n{PASSED_ON}"
    assert [reason for _, reason, _ in opened(desk)] == ["asked", "urgent"]


def test_an_urgent_entry_without_people_names_the_contact(make: Make) -> None:
    """Or nothing but the answer."""
    desk = make()
    with desk.database.write() as session:
        faq.store_entries(session, [Entry("vpn", urgent=True)], author="test")
    texts = [say(make(contact=contact), "vpn not connecting").text for contact in (None, "555-0100")]

    assert texts == ["Restart the VPN client.", "Restart the VPN client.\n\nYou can reach us at 555-0100."]


def test_while_a_person_has_it_the_bot_is_silent(make: Make) -> None:
    """The message is stored with its best guesses, asks for no label, and shows nobody how it was understood."""
    desk = make(inbox=True)
    say(desk, "human please")
    with desk.database.write() as session:
        inbox.take_case(session, 1, author="ann", holder="")
    reply = say(desk, "forgot my password")

    assert (reply.kind, reply.reason, reply.intents, reply.confidence) == ("person", "with_person", (), 0.0)
    assert reply.text == "A colleague has taken over this conversation and can read your message."
    assert reply.ranking[0]["intent"] == "password"
    assert desk.view("forgot my password", reply).matches == ()
    with desk.database.write() as session:
        assert queue.items(session, review_below=1.0, limit=5) == []
        inbox.close_case(session, 1, author="ann", seen=reply.message_id)
    assert say(desk, "forgot my password").text == "Open the self-service page."


def test_after_a_closed_case_it_begins_anew(make: Make) -> None:
    """The next miss is asked to be said otherwise; the one after opens another case."""
    desk = make(inbox=True)
    last = [say(desk, text) for text in (UNKNOWN, OTHER)][-1]
    with desk.database.write() as session:
        inbox.close_case(session, 1, author="ann", seen=last.message_id)

    assert say(desk, UNKNOWN).text == REPHRASE
    assert say(desk, OTHER).text.endswith(PASSED_ON)
    assert len(opened(desk)) == 2


def test_a_thumb_down_opens_a_case(make: Make) -> None:
    """Where somebody would be told."""
    desk, alone = make(inbox=True), make()
    message = say(desk, "forgot my password").message_id
    with desk.database.write() as session:
        assert hand_over_unhelpful(session, message, desk.settings)
        assert not hand_over_unhelpful(session, message, alone.settings)

    assert opened(desk) == [(message, "thumbs_down", False)]


def without_version(database: Database, tmp_path: Path, **more: Any) -> ChatService:
    """A desk over which nothing serves."""
    settings = load_settings(home=tmp_path, **more)
    live = LiveMatcher(database, settings)
    live.refresh()
    return ChatService(database, live, settings)


def test_without_a_version_people_are_told_or_nothing_is_claimed(database: Database, tmp_path: Path) -> None:
    """On both databases."""
    alone, people = (without_version(database, tmp_path, inbox=inbox) for inbox in (False, True))

    assert say(alone, "hello").text == NOT_SET_UP
    assert say(people, "hello").text == f"{NOT_SET_UP}\n\n{PASSED_ON}"
    assert [reason for _, reason, _ in opened(people)] == ["no_answer"]


def test_message_and_case_are_stored_together_or_not_at_all(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What fails while the case is opened leaves no message either, and the delivery can be repeated."""
    desk = without_version(database, tmp_path, inbox=True)
    with monkeypatch.context() as broken:
        broken.setattr(cases, "conversation_of", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            say(desk, "hello", external_id="1")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0

    message = say(desk, "hello", external_id="1").message_id
    assert opened(desk) == [(message, "no_answer", False)]


_KILLED = """
import json, os, sys
from sqlalchemy import event
from helpdesk.records.database import open_database
from helpdesk.records.prepared import Prepared
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import load_settings
settings = load_settings(**json.loads(sys.argv[1]))
database = open_database(settings)
def die(statement):
    if statement.startswith("INSERT INTO " + sys.argv[2]):
        os._exit(9)
run = Prepared.run
def run_and_die(self, connection, values):
    cursor = run(self, connection, values)
    die(str(self._statement))
    return cursor
Prepared.run = run_and_die
event.listen(database.engine, "after_cursor_execute", lambda connection, cursor, statement, *_: die(statement))
live = LiveMatcher(database, settings)
live.refresh()
ChatService(database, live, settings).reply("hello", channel="rest", sender="u")
"""


@pytest.mark.slow
@pytest.mark.parametrize("table", ["messages", "decisions", "cases"])
def test_a_process_killed_in_the_middle_leaves_nothing_half(database: Database, tmp_path: Path, table: str) -> None:
    """Neither message nor case, on both databases."""
    url = database.engine.url.render_as_string(hide_password=False)
    given = json.dumps({"home": str(tmp_path), "database_url": url, "inbox": True})
    done = subprocess.run([sys.executable, "-c", _KILLED, given, table], capture_output=True, timeout=120)
    with database.read() as session:
        counts = [session.scalar(select(func.count()).select_from(rows)) for rows in (Message, DecisionRow, CaseRow)]

    assert (done.returncode, counts) == (9, [0, 0, 0])


@pytest.mark.parametrize(
    ("hours", "expected"),
    [("Mon-Fri 9-17", "days and times"), ("Mon-Foo 09:00-17:00", "days and times"), ("Mon 17:00-09:00", "an earlier")],
)
def test_bad_office_hours_are_named(hours: str, expected: str) -> None:
    """With what was expected."""
    with pytest.raises(BadInputError, match=expected):
        load_settings(office_hours=hours)


@pytest.mark.parametrize("dates", ["25.12.", "12-25, tomorrow", "2026-02-30", "13-01", "20261224", "2026-W01", "1-1"])
def test_bad_holidays_are_named(dates: str) -> None:
    """With what was expected; and holidays alone say nothing."""
    with pytest.raises(BadInputError, match="expected dates such as 2026-12-24, or 12-25 for every year"):
        load_settings(office_hours="Mon-Fri 09:00-17:00", office_holidays=dates)
    with pytest.raises(BadInputError, match="set HELPDESK_OFFICE_HOURS too"):
        load_settings(office_holidays="12-25")


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-12-24T10:00", "2026-12-28 09:00"),  # a Thursday, then Christmas on a Friday
        ("2026-12-23T18:00", "2026-12-28 09:00"),
        ("2027-12-24T10:00", None),
        ("2027-12-31T18:00", "2028-01-03 09:00"),
        ("2028-02-29T09:00", "2028-03-01 09:00"),
    ],
)
def test_nobody_is_there_on_holidays(moment: str, opens: str | None) -> None:
    """A date of one year, and one of every year."""
    hours = load_settings(office_hours="Mon-Fri 09:00-17:00", office_holidays="2026-12-24, 12-25,02-29").hours
    assert hours is not None
    found = hours.opens_after(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert (found and f"{found:%Y-%m-%d %H:%M}") == opens


def test_an_office_that_never_opens_says_nothing(make: Make) -> None:
    """Rather than a day that is wrong."""
    every = ", ".join(f"{datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=n):%m-%d}" for n in range(366))
    desk = make(inbox=True, office_hours="Mon 09:00-17:00", office_holidays=every)

    assert say(desk, "human please").text == PASSED_ON


def test_a_bad_time_zone_is_named() -> None:
    """It, and what was expected."""
    with pytest.raises(BadInputError, match=r"Middle/Earth.*such as Europe/Berlin"):
        load_settings(office_zone="Middle/Earth")


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-11-30T08:59", "Mon 09:00"),
        ("2026-11-30T09:00", None),
        ("2026-11-30T16:59", None),
        ("2026-11-30T17:00", "Tue 09:00"),
        ("2026-12-05T10:00", None),
        ("2026-12-05T12:00", "Mon 09:00"),
        ("2026-12-06T23:00", "Mon 09:00"),
    ],
)
def test_people_are_there_within_office_hours(moment: str, opens: str | None) -> None:
    """The minute they begin, not the one they end."""
    hours = load_settings(office_hours="Mon-Fri 09:00-17:00, Sat 10:00-12:00").hours
    assert hours is not None
    found = hours.opens_after(datetime.fromisoformat(moment).replace(tzinfo=UTC))

    assert (found and f"{found:%a %H:%M}") == opens


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "nobody is told, and the bot promises nothing"),
        ({"contact": "555-0100"}, "nobody is told, and the bot names the contact"),
        ({"inbox": True}, "it waits in the inbox of the desk"),
    ],
)
def test_operators_read_which_it_is(more: dict[str, Any], said: str) -> None:
    """In one line."""
    assert describe_handover(load_settings(**more)).startswith(said)


def test_a_case_that_reached_nobody_is_not_promised_again(make: Make) -> None:
    """Every delivery was given up and nobody looks into the inbox: there is the contact, which was named before too."""
    desk = make(**MAILED, contact="help@example.org")
    reach = "You can reach us at help@example.org."

    assert say(desk, "human please").text == f"{PASSED_ON} {reach}"
    with desk.database.write() as session:
        session.execute(update(DeliveryRow).values(state=DeliveryState.DEAD))
    assert say(desk, "human please").text == reach
    assert len(opened(desk)) == 1


def notes(desk: ChatService) -> list[tuple[str, str, int | None]]:
    """(receiver, event, message) of everything that was queued for a receiver after its case."""
    with desk.database.read() as session:
        rows = session.scalars(select(DeliveryRow).where(DeliveryRow.payload.is_not(None)).order_by(DeliveryRow.id))
        return [(row.receiver, row.payload["event"], row.message_id) for row in rows if row.payload]


def arrived(desk: ChatService, **values: Any) -> None:
    """As if a courier had sent everything."""
    with desk.database.write() as session:
        sent = {"state": DeliveryState.SENT, "attempts": 1, "ended_at": now()} | values
        session.execute(update(DeliveryRow).values(**sent))


def test_what_comes_while_a_case_waits_is_added_to_it(make: Make) -> None:
    """In few words, whatever it is; whoever the case was sent to is told; what can be answered is answered."""
    desk = make(**MAILED)
    say(desk, "human please")
    texts = (UNKNOWN, "quiero hablar con una persona", "forgot my password", "thanks")
    replies = [say(desk, text) for text in texts]

    assert [reply.text for reply in replies[:2]] == [ADDED, "He añadido esto a su solicitud."]
    assert [reply.kind for reply in replies[2:]] == ["answer", "smalltalk"]
    assert len(opened(desk)) == 1
    assert notes(desk) == [("email", "added", reply.message_id) for reply in replies[:2]]
    arrived(desk, ended_at=now() - timedelta(days=1))
    assert say(desk, UNKNOWN).text == REPHRASE  # nobody at the desk closes it, so a new day begins anew


def rate(desk: ChatService, reply: Reply, said: str) -> bool:
    """A thumb on a reply."""
    return desk.feedback(reply.message_id, sender="u", said=said)


def states(desk: ChatService) -> list[tuple[str, str | None]]:
    """(state, who) of every case."""
    with desk.database.read() as session:
        return list(session.execute(select(CaseRow.state, CaseRow.taken_by).order_by(CaseRow.id)).tuples())


@pytest.mark.parametrize("sent", [False, True])
def test_a_thumb_up_takes_back_what_the_thumb_down_caused(make: Make, sent: bool) -> None:
    """The case is closed and receivers hear of it, or get none; another thumb down opens another one."""
    desk = make(**MAILED, inbox=True)
    reply = say(desk, "forgot my password")
    assert rate(desk, reply, "not_helpful")
    if sent:
        arrived(desk)
    assert not rate(desk, reply, "helpful")

    assert states(desk) == [("closed", "the customer")]
    assert notes(desk) == [("email", "withdrawn", reply.message_id)] * sent
    with desk.database.read() as session:
        assert session.scalar(select(func.count()).select_from(DeliveryRow)) == 2 * sent
    assert rate(desk, reply, "not_helpful")
    assert rate(desk, reply, "not_helpful")
    assert [state for state, _ in states(desk)] == ["closed", "open"]


def test_a_case_with_more_in_it_outlives_the_thumb_up(make: Make) -> None:
    """Another answer that did not help, another message, or somebody who has taken it; receivers hear of the thumb."""
    desk = make(**MAILED, inbox=True)
    first, second = say(desk, "forgot my password"), say(desk, "vpn not connecting")
    for reply in (first, second, second):
        rate(desk, reply, "not_helpful")
    rate(desk, first, "helpful")
    assert states(desk) == [("open", None)]
    assert [event for _, event, _ in notes(desk)] == ["added", "helpful"]
    rate(desk, second, "helpful")
    assert states(desk) == [("closed", "the customer")]

    rate(desk, first, "not_helpful")
    say(desk, "human please")
    rate(desk, first, "helpful")
    assert states(desk)[1:] == [("open", None)]
    rate(desk, first, "not_helpful")
    with desk.database.write() as session:
        inbox.take_case(session, 2, author="ann", holder="")
    rate(desk, first, "helpful")
    assert states(desk)[1:] == [("taken", "ann")]


def test_a_thumb_down_on_a_case_that_reached_nobody_promises_nothing(make: Make) -> None:
    """Every delivery was given up and nobody looks into the inbox."""
    desk = make(**MAILED)
    reply = say(desk, "forgot my password")
    say(desk, "human please")
    arrived(desk, state=DeliveryState.DEAD)

    assert not rate(desk, reply, "not_helpful")
    assert notes(desk) == []
