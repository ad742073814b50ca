"""Small talk and wishes for a person in service: what is said, what is logged, and what nobody has to label."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records import audit, conversations, faq, queue, traffic
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.periods import Period
from helpdesk.records.tables import DecisionRow
from helpdesk.serving.chat_service import ChatService, Reply
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.replies import read_replies
from helpdesk.settings import Settings, load_settings

CLARIFY: dict[str, Any] = {
    "version_id": 1, "kind": "clarify", "intent": None, "confidence": 0.4, "out_of_scope": 0.0, "reason": "between",
    "ranking": [], "options": ["vpn", "wifi"], "thresholds": {},
}  # fmt: skip


@pytest.fixture
def desk(settings: Settings, records: Database) -> ChatService:
    """A desk that draws every message into the audit sample."""
    return made(records, settings, audit_rate=1.0)


def made(records: Database, settings: Settings, **more: Any) -> ChatService:
    """A desk with other settings."""
    settings = settings.model_copy(update=more)
    live = LiveMatcher(records, settings)
    live.refresh()
    return ChatService(records, live, settings, read_replies(settings))


def say(desk: ChatService, text: str, **more: Any) -> Reply:
    """One message of a chat."""
    return desk.reply(text, channel="rest", sender="u", **more)


@pytest.mark.parametrize(
    ("text", "kind", "reason", "said"),
    [
        ("Hi there!", "smalltalk", "greeting", "Hello! What can I help you with?"),
        ("vielen Dank", "smalltalk", "thanks", "Gern geschehen. Bei Fragen schreiben Sie einfach wieder."),
        ("der Drucker druckt wieder, danke", "smalltalk", "settled", "Gut zu wissen."),
        ("> Is it all right now?\nVielen Dank", "smalltalk", "thanks", "Gern geschehen."),
        ("es-tu un robot ?", "smalltalk", "bot_question", "Je suis un bot."),
        ("¡adiós!", "smalltalk", "goodbye", "¡Hasta luego!"),
        ("I want to talk to a human", "handoff", "asked", "There is nobody here whom I could pass"),
        ("quiero hablar con una persona", "handoff", "asked", "Aquí no hay nadie"),
    ],
)
def test_each_has_its_reply_in_its_language(desk: ChatService, text: str, kind: str, reason: str, said: str) -> None:
    """Without choices or an entry."""
    reply = say(desk, text)

    assert (reply.kind, reply.reason, reply.intents, reply.options) == (kind, reason, (), ())
    assert reply.text.startswith(said)


def test_a_repeated_delivery_gets_the_same_reply(desk: ChatService) -> None:
    """In the same language."""
    assert say(desk, "merci !", external_id="1") == say(desk, "merci !", external_id="1")


def test_neither_waits_for_a_label_or_counts_as_unanswered(desk: ChatService) -> None:
    """Not in the queue, not in the audit sample, no content gap; small talk is counted by itself."""
    for text in ("hello", "thanks a lot", "can i speak to a person", "what is the capital of peru"):
        say(desk, text)
    since = now() - timedelta(days=1)
    with desk.database.read() as session:
        waiting = [item.text for item in queue.items(session, review_below=0.8, limit=9)]
        drawn = [item.text for item in audit.audit_queue(session, since=since, limit=9)]
        gaps = traffic.content_gaps(session, Period(since), limit=9)
        unanswered = traffic.unanswered_texts(session, since=since, limit=9)
        outcomes = traffic.count_outcomes(session, since=since)

    asked = ["what is the capital of peru"]
    assert waiting == drawn == [gap.name for gap in gaps] == [one.name for one in unanswered] == asked
    assert (outcomes.messages, outcomes.unanswered, outcomes.wished, outcomes.small_talk) == (2, 2, 1, 2)


def test_a_wish_keeps_what_fits_best(desk: ChatService) -> None:
    """For the colleague who takes over."""
    assert say(desk, "vpn not connecting, please connect me to an agent").ranking


def test_a_question_between_small_talk_is_answered(desk: ChatService) -> None:
    """By its own words, which are known."""
    reply = say(desk, "Hi team, forgot my password. Thanks!")

    assert (reply.kind, reply.reason, reply.intents[0]) == ("answer", "exact", "password")
    assert desk.view("Hi team, forgot my password. Thanks!", reply).reason == "exact"


@pytest.mark.parametrize("text", ["talk to a human", "Hello"])
def test_a_phrasing_of_the_faq_is_answered_with_its_entry(settings: Settings, records: Database, text: str) -> None:
    """Whatever else it may be."""
    with records.write() as session:
        entry = Entry("contact", question="How do I reach you?", answer="Call 4000.", phrasings=(text,))
        faq.store_entries(session, [entry], author="test")
    reply = say(made(records, settings), text)

    assert (reply.kind, reply.reason, reply.text) == ("answer", "exact", "Call 4000.")


@pytest.mark.parametrize("text", ["yes", "no", "oui"])
def test_a_yes_to_a_clarifying_question_is_not_small_talk(desk: ChatService, text: str) -> None:
    """It answers what was asked; a moment later it does not."""
    with desk.database.write() as session:
        conversations.log_message(
            session, "the network", channel="rest", sender="u", external_id=None, decision=CLARIFY
        )

    assert say(desk, text).kind in ("answer", "clarify", "fallback")
    if say(desk, "thanks").kind == "smalltalk":
        assert say(desk, text).kind == "smalltalk"


def test_only_the_languages_that_are_set_are_heard(settings: Settings, records: Database) -> None:
    """The others are decided like any message."""
    german = made(records, settings, languages=("de",))

    assert say(german, "danke").kind == "smalltalk"
    assert say(german, "thank you very much").kind != "smalltalk"


def test_operators_put_their_own_replies_over_the_shipped_ones(
    settings: Settings, records: Database, tmp_path: Path
) -> None:
    """What their file does not have stays as it is."""
    path = tmp_path / "replies.csv"
    path.write_text("reason,language,text\ngreeting,en,Ahoy!\n", encoding="utf-8")
    desk = made(records, settings, replies=path)

    assert say(desk, "hello").text == "Ahoy!"
    assert say(desk, "hallo zusammen").text == "Hallo! Wobei kann ich helfen?"


@pytest.mark.parametrize(
    ("row", "fault"),
    [("hello,en,Hi", "reason is 'hello'"), ("thanks,xx,Hi", "language is 'xx'"), ("thanks,en, ", "text is empty")],
)
def test_a_bad_reply_is_named(tmp_path: Path, row: str, fault: str) -> None:
    """With its line, before anything is served."""
    path = tmp_path / "replies.csv"
    path.write_text(f"reason,language,text\n{row}\n", encoding="utf-8")

    with pytest.raises(BadRowsError, match=fault):
        read_replies(load_settings(replies=path))


def test_a_file_of_replies_that_is_missing_is_named(tmp_path: Path) -> None:
    """It is said which."""
    with pytest.raises(BadInputError, match="nowhere"):
        read_replies(load_settings(replies=tmp_path / "nowhere.csv"))


def test_no_inclusion_probability_is_stored_for_small_talk(desk: ChatService) -> None:
    """Every question of this desk has one."""
    for text in ("hello", "forgot my password"):
        say(desk, text)
    with desk.database.read() as session:
        rows = session.execute(select(DecisionRow.kind, DecisionRow.inclusion_probability)).tuples().all()

    assert dict(rows) == {"smalltalk": None, "answer": 1.0}
