"""What follows a question: choices in words, after edits too; redeliveries; payloads of widgets."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from helpdesk.matching.decide import Thresholds
from helpdesk.records import faq, queue
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.names import merge, rename
from helpdesk.records.tables import AskedText
from helpdesk.serving.chat_service import ChatService, Reply
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

UNSURE = "new one for the office please"


@pytest.fixture
def desk(settings: Settings, records: Database, live: LiveMatcher) -> ChatService:
    """A desk that asks back about everything but known texts."""
    now = live.take()
    assert now is not None
    bundle = replace(now.matcher.bundle, thresholds=Thresholds(answer=2.0, clarify=0.0))
    live._live = replace(now, matcher=now.matcher.over(bundle))
    return ChatService(records, live, settings)


def say(desk: ChatService, text: str, *, external_id: str | None = None) -> Reply:
    """The reply to one customer."""
    return desk.reply(text, channel="rest", sender="u", external_id=external_id)


def edited(desk: ChatService) -> None:
    """The process has seen the edits of the FAQ."""
    desk.live.refresh()


@pytest.mark.parametrize("text", ["2)", "#2", "option 2", "two please", "the second one", "Nr. 2"])
def test_a_choice_in_words_is_answered_with_the_entry(desk: ChatService, text: str) -> None:
    """Whatever number or word it is."""
    asked = say(desk, UNSURE)
    reply = say(desk, text)

    assert (reply.kind, reply.reason, reply.intents) == ("answer", "choice", (asked.options[1].slug,))


def test_both_are_answered_when_two_were_offered(desk: ChatService) -> None:
    """One below the other."""
    asked = say(desk, UNSURE)
    assert len(asked.options) == 3
    reply = say(desk, "both please")

    assert (reply.kind, reply.reason) == ("answer", "two_choices")
    assert reply.intents == tuple(option.slug for option in asked.options[:2])
    assert reply.text.count("\n\n") == 1


def test_a_message_that_is_no_choice_is_decided_anew(desk: ChatService) -> None:
    """Though it has a number."""
    say(desk, UNSURE)

    assert say(desk, "1 laptop is broken").reason != "choice"


def test_a_choice_that_was_not_offered_is_asked_again(desk: ChatService) -> None:
    """With the same choices in the same order, as often as it takes; the numbers mean what they meant, and the text
    waits for no label. A number within a question is a new question."""
    asked = say(desk, UNSURE)
    for text in ("5", "the fourth one", "9th"):
        again = say(desk, text)
        assert (again.kind, again.reason, again.options) == ("clarify", "no_such_choice", asked.options)
        assert again.text == f"That is none of the choices. {asked.text}"
    with desk.database.read() as session:
        assert list(session.scalars(select(AskedText.normalised))) == [UNSURE]
    assert say(desk, "second").intents == (asked.options[1].slug,)
    say(desk, UNSURE)
    assert say(desk, "4 weeks ago I ordered a laptop").reason == "between"


def test_none_of_these_is_never_matched_as_a_message(desk: ChatService) -> None:
    """Not after the fallback, and not out of the blue."""
    say(desk, UNSURE)
    reasons = [say(desk, text).reason for text in ("neither", "None of these", "None of these")]

    assert reasons == ["none_of_these"] * 3
    with desk.database.read() as session:
        assert list(session.scalars(select(AskedText.normalised))) == [UNSURE]


def test_a_redelivery_is_told_as_it_was_the_first_time(desk: ChatService) -> None:
    """Same text, same order, though every question and answer was edited since; and its numbers mean what they did."""
    asked, answer = say(desk, UNSURE, external_id="1"), say(desk, "forgot my password", external_id="2")
    with desk.database.write() as session:
        for intent in faq.list_intents(session):
            entry = Entry(intent.slug, question=f"Changed {intent.slug}?", answer=f"Changed {intent.slug}.")
            faq.store_entries(session, [entry], author="test")
    edited(desk)

    assert say(desk, UNSURE, external_id="1") == asked
    assert say(desk, "forgot my password", external_id="2") == answer
    say(desk, UNSURE, external_id="1")
    say(desk, UNSURE)
    assert say(desk, "I mean the first one").reason == "choice"


def test_numbers_and_questions_mean_what_was_offered_after_a_rename_and_an_edit(desk: ChatService) -> None:
    """The old question on a button chooses the entry under its new name."""
    asked = say(desk, UNSURE)
    slug, question = str(asked.options[0].slug), asked.options[0].question
    with desk.database.write() as session:
        intent = faq.find_intent(session, slug)
        rename(session, intent, "another name", author="test")
        faq.store_entries(session, [Entry("another_name", question="Quite something else?")], author="test")
    edited(desk)
    reply = say(desk, question)

    assert (reply.kind, reply.reason, reply.intents) == ("answer", "choice", ("another_name",))


def test_an_offered_entry_that_was_merged_is_answered_with_the_other(desk: ChatService) -> None:
    """Which has its matter now."""
    asked = say(desk, UNSURE)
    source, into = (str(option.slug) for option in asked.options[:2])
    with desk.database.write() as session:
        merge(session, faq.find_intent(session, source), faq.find_intent(session, into), author="test")
    edited(desk)

    assert say(desk, "1").intents == (into,)


def test_an_offered_entry_that_was_unpublished_is_said_to_be_gone(desk: ChatService) -> None:
    """By the name under which it was offered; it does not wait for a label, and nobody guesses what else was meant."""
    asked = say(desk, UNSURE)
    with desk.database.write() as session:
        faq.set_status(session, str(asked.options[0].slug), status="draft", author="test")
    edited(desk)
    reply = say(desk, asked.options[0].question)

    assert (reply.kind, reply.reason, reply.intents) == ("fallback", "gone", ())
    assert asked.options[0].question in reply.text
    with desk.database.read() as session:
        assert [item.text for item in queue.items(session, review_below=0.8, limit=9)] == [UNSURE]


@pytest.mark.parametrize(
    ("text", "kind", "reason"),
    [
        ("/greet", "smalltalk", "greeting"),
        ('/greet{"name": "x"}', "smalltalk", "greeting"),
        ("/session_start", "smalltalk", "greeting"),
        ("/restart", "smalltalk", "greeting"),
        ("/goodbye", "smalltalk", "goodbye"),
        ("/inform{not json}", "smalltalk", "command"),
        ("/nlu_fallback", "smalltalk", "command"),
        ("/vpn", "answer", "choice"),
        ("/VPN", "answer", "choice"),
        ("/etc/hosts is gone", "clarify", "between"),
    ],
)
def test_payloads_of_widgets_are_understood_or_ignored(desk: ChatService, text: str, kind: str, reason: str) -> None:
    """None is handed over, and none waits for a label."""
    reply = say(desk, text)

    assert (reply.kind, reply.reason) == (kind, reason)
    if kind != "clarify":
        with desk.database.read() as session:
            assert queue.items(session, review_below=0.8, limit=9) == []


def test_a_follow_up_that_is_pressed_is_answered_as_that_question(desk: ChatService) -> None:
    """Up to three of other published entries, once each; the click chooses."""
    with desk.database.write() as session:
        names = ("vpn", "password", "nowhere", "wifi", "laptop", "printer")
        faq.store_entries(session, [Entry("password", follow_ups=names)], author="test")
    edited(desk)
    answer = say(desk, "forgot my password")

    assert [option.slug for option in answer.follow_ups] == ["vpn", "wifi", "laptop"]
    reply = say(desk, answer.follow_ups[1].question)
    assert (reply.reason, reply.intents, reply.follow_ups) == ("choice", ("wifi",), ())
