"""Counts of what people asked and what they were told."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from helpdesk.records import conversations, faq, labels, staff, traffic, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.periods import Period
from helpdesk.records.tables import Message, Phrasing


@pytest.fixture
def version(database: Database) -> int:
    """A version that decided, someone who labels, and an FAQ entry."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So.", phrasings=("tunnel", "no tunnel"))], author="test")
        staff.add_staff(session, "ann", password="correct horse")
        row = versions.add_version(
            session, "b", kind="first", parent_id=None, rows_hash="x", verdict="promote", report={}
        )
        return row.id


def say(database: Database, version: int, text: str, *, days_ago: float = 0, **more: Any) -> int:
    """A logged message that was answered with `vpn`; its id."""
    decision = {"version_id": version, "kind": "answer", "intent": "vpn", "confidence": 0.9, "out_of_scope": 0.0}
    ranking = [{"intent": "vpn", "confidence": 0.9, "nearest": "phrasing:1", "similarity": 0.9}]
    decision |= {"reason": "confident", "ranking": ranking, "options": [], "thresholds": {}} | more
    with database.write() as session:
        message = conversations.log_message(
            session, text, channel="rest", sender="u", external_id=None, decision=decision
        )
        when = now() - timedelta(days=days_ago)
        session.execute(update(Message).where(Message.id == message).values(created_at=when))
    return message


FALLBACK: dict[str, Any] = {"kind": "fallback", "intent": None, "confidence": 0.1, "reason": "unsure"}
CLARIFY: dict[str, Any] = {"kind": "clarify", "intent": None, "confidence": 0.4, "reason": "between"}


def label(database: Database, message: int, kind: str) -> None:
    """Label a message."""
    intent = "vpn" if kind == "intent" else None
    with database.write() as session:
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=1, holdout_share=0.3)


def test_outcomes_count_every_message_once(database: Database, version: int) -> None:
    """A choice finishes its clarifying question, so it is no message of its own; small talk is counted by itself."""
    say(database, version, "a")
    say(database, version, "b", **CLARIFY)
    say(database, version, "1", reason="choice")
    say(database, version, "c", **FALLBACK)
    say(database, version, "none of these", **FALLBACK | {"reason": "none_of_these"})
    say(database, version, "a person please", **FALLBACK | {"kind": "handoff", "reason": "asked"})
    say(database, version, "hello", **FALLBACK | {"kind": "smalltalk", "reason": "greeting"})
    say(database, version, "old", days_ago=40)
    with database.read() as session:
        month = traffic.count_outcomes(session, since=now() - timedelta(days=30))
        ever = traffic.count_outcomes(session, since=None)

    counted = {
        "answered": 1,
        "clarified": 1,
        "unanswered": 2,
        "chosen": 1,
        "rejected": 1,
        "wished": 1,
        "small_talk": 1,
    }
    assert vars(month) == counted | {"wished": 1, "small_talk": 1}
    assert month.messages == 4
    assert month.coverage == pytest.approx(1 / 4)
    assert ever.answered == 2


def test_without_messages_there_is_no_coverage(database: Database) -> None:
    """None, not zero."""
    with database.read() as session:
        assert traffic.count_outcomes(session, since=None).coverage is None


def test_content_gaps_are_what_was_handed_over_and_taught_nothing(database: Database, version: int) -> None:
    """A text with an intent or as a phrasing is no gap; out of scope still is, and names its newest message."""
    for text in ("where is the gym", "Where is the gym?"):
        newest = say(database, version, text, **FALLBACK)
    label(database, say(database, version, "tunnel is down", **FALLBACK), "intent")
    label(database, say(database, version, "parking", **FALLBACK), "out_of_scope")
    say(database, version, "answered")
    say(database, version, "???", **FALLBACK | {"reason": "empty"})
    say(database, version, "no tunnel", **FALLBACK)
    with database.read() as session:
        found = traffic.content_gaps(session, Period(now() - timedelta(days=30)), limit=5)
        unanswered = traffic.unanswered_texts(session, since=now() - timedelta(days=30), limit=5)

    assert [(gap.name, gap.count) for gap in found] == [("where is the gym", 2), ("parking", 1)]
    assert found[0].message_id == newest
    assert [gap.name for gap in unanswered] == ["where is the gym", "no tunnel"]


def test_unfamiliar_messages_are_counted_between_two_moments(database: Database, version: int) -> None:
    """Below the level, known out-of-scope texts left out; choices and unserved messages are not counted at all."""
    say(database, version, "sure")
    say(database, version, "doubtful", **FALLBACK)
    say(database, version, "known", **FALLBACK | {"reason": "known_out_of_scope", "confidence": 0.0})
    say(database, version, "1", reason="choice", confidence=0.0)
    say(database, version, "unserved", **FALLBACK | {"version_id": None, "reason": "no_version"})
    say(database, version, "last month", days_ago=40, **FALLBACK)
    with database.read() as session:
        levels = {version: 0.3}
        month = traffic.count_unfamiliar(session, since=now() - timedelta(days=30), until=now(), below=levels)
        before = traffic.count_unfamiliar(
            session, since=now() - timedelta(days=60), until=now() - timedelta(days=30), below=levels
        )

    assert (month, before) == ((3, 1), (1, 1))


def test_each_version_has_its_own_level_of_familiarity(database: Database, version: int) -> None:
    """A new version whose confidences are higher does not make last week's messages strange."""
    with database.write() as session:
        report = {"candidates": {"refreshed": {"unfamiliar_below": 0.55}}}
        more = [
            versions.add_version(
                session, name, kind="refreshed", parent_id=None, rows_hash="x", verdict="promote", report=facts
            ).id
            for name, facts in (("new", report), ("small", {}))
        ]
    for number in (version, *more):
        say(database, number, "hm", confidence=0.4)
    month = {"since": now() - timedelta(days=30), "until": now()}
    with database.read() as session:
        reports = versions.reports_of_deciding(session, since=month["since"])
        none = traffic.count_unfamiliar(session, **month, below={})
        found = traffic.count_unfamiliar(session, **month, below={version: 0.3, more[0]: 0.55})

    assert (none, found) == ((0, 0), (2, 1))
    levels = {number: report.unfamiliar_below for number, report in reports.items()}
    assert levels == {version: None, more[0]: 0.55, more[1]: None}


def test_messages_are_counted_by_the_intent_ranked_first(database: Database, version: int) -> None:
    """Whether it was answered or not; an empty ranking counts for nothing."""
    say(database, version, "a")
    say(database, version, "b", **CLARIFY)
    say(database, version, "c", **FALLBACK | {"ranking": []})
    with database.read() as session:
        found = traffic.count_by_best_intent(session, since=now() - timedelta(days=30), until=now())

    assert found == {"vpn": 2}


def test_idle_phrasings_are_old_and_nobody_came_near(database: Database, version: int) -> None:
    """Young ones, those that people say word for word, and canonical questions are never called idle."""
    quarter = now() - timedelta(days=90)
    with database.write() as session:
        session.execute(update(Phrasing).values(created_at=now() - timedelta(days=200)))
        young = {"intent_id": 1, "text": "y", "normalised": "y", "text_key": "y", "source": "edit", "author": "a"}
        session.execute(insert(Phrasing), young)
    say(database, version, "near the first")
    say(
        database,
        version,
        "near the second, long ago",
        days_ago=100,
        ranking=[{"intent": "vpn", "nearest": "phrasing:2"}],
    )
    with database.read() as session:
        found = traffic.idle_phrasings(session, since=quarter)
    say(database, version, "No tunnel!", ranking=[{"intent": "vpn", "nearest": None}], reason="exact")
    with database.read() as session:
        said = traffic.idle_phrasings(session, since=quarter)

    assert found == [("vpn", 3, 1)]
    assert said == []


def test_texts_of_messages_that_are_gone_are_left_out(database: Database, version: int) -> None:
    """What was erased stays erased."""
    message = say(database, version, "Hello there")
    with database.read() as session:
        assert traffic.messages_by_id(session, [message, 999]) == {message: "Hello there"}
