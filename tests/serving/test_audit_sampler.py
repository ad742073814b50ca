"""Drawing the audit sample while messages come in."""

import random
from typing import Any

import pytest
from sqlalchemy import select

from helpdesk.records import conversations
from helpdesk.records.database import Database
from helpdesk.records.tables import DecisionRow
from helpdesk.serving.audit_sampler import AuditSampler
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings


def sampler(**settings: float) -> AuditSampler:
    """A sampler with a chance that repeats."""
    return AuditSampler(load_settings(**settings), chance=random.Random(0))


def drawn(sampler: AuditSampler, messages: int) -> list[float]:
    """The probabilities of those that were drawn."""
    return [drawn for drawn in (sampler.draw() for _ in range(messages)) if drawn is not None]


def test_the_first_burst_of_a_new_desk_is_not_drawn_as_a_whole() -> None:
    """The first messages surely, then ever fewer, though nobody looked into the database; the rate is the least."""
    found = drawn(sampler(), 2000)

    assert found[:5] == [1.0] * 5
    assert found == sorted(found, reverse=True)
    assert 40 <= len(found) <= 100
    assert found[-1] == 0.02


def test_each_drawn_message_stands_for_as_many_as_its_odds_say() -> None:
    """Over many streams their inverses add up to the number of messages: the estimate is unbiased from the first on."""
    totals = [
        sum(1 / probability for probability in drawn(AuditSampler(load_settings(), chance=random.Random(seed)), 500))
        for seed in range(200)
    ]

    assert sum(totals) / len(totals) == pytest.approx(500, rel=0.05)


def test_no_more_are_drawn_than_anybody_labels() -> None:
    """On a day of 20,000 messages some 50 for every doubling of the traffic, not 400; each with its own odds."""
    found = drawn(sampler(), 20_000)

    assert 50 < len(found) < 400
    assert found == sorted(found, reverse=True)
    assert found[-1] == pytest.approx(50 / 20_000, rel=0.1)
    assert sum(1 / probability for probability in found) == pytest.approx(20_000, rel=0.2)


@pytest.mark.parametrize(("rate", "per_night", "share"), [(0.0, 0, 0.0), (1.0, 0, 1.0), (0.1, 0, 0.1)])
def test_the_rate_is_the_operators(rate: float, per_night: float, share: float) -> None:
    """Nothing, everything, or a tenth, where as many may be drawn."""
    found = drawn(sampler(audit_rate=rate, audit_per_night=per_night, audit_most=3000), 3000)

    assert len(found) / 3000 == pytest.approx(share, abs=0.02)
    assert set(found) <= {rate}


def test_a_busy_desk_elsewhere_is_seen_in_the_database(database: Database) -> None:
    """400 messages that other processes took lower the probability here from the next look on."""
    decision: dict[str, Any] = {
        "version_id": None,
        "kind": "fallback",
        "intent": None,
        "confidence": 0.0,
        "out_of_scope": 0.0,
    }
    decision |= {"reason": "unsure", "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        for number in range(400):
            conversations.log_message(
                session, f"{number}", channel="rest", sender="u", external_id=None, decision=decision
            )
    found = sampler(audit_rate=0.0)
    with database.read() as session:
        found.refresh(session)

    assert set(drawn(found, 1000)) <= {5 / n for n in range(400, 1400)}


@pytest.fixture
def desk(settings: Settings, records: Database) -> ChatService:
    """A desk that draws every message."""
    everything = settings.model_copy(update={"audit_rate": 1.0})
    live = LiveMatcher(records, everything)
    live.refresh()
    return ChatService(records, live, everything)


def test_the_odds_are_stored_with_the_decision(desk: ChatService) -> None:
    """Whatever was decided, a replayed delivery included only once."""
    for text in ("forgot my password", "what is the capital of peru", "???"):
        desk.reply(text, channel="rest", sender="u", external_id=text)
        desk.reply(text, channel="rest", sender="u", external_id=text)

    assert probabilities(desk) == [("exact", 1.0), ("unsure", 1.0), ("empty", 1.0)]


def test_a_choice_is_part_of_the_message_before_it(desk: ChatService) -> None:
    """A "1" after a clarifying question could not be labelled, and is not drawn; nor is a click on a button."""
    columns: dict[str, Any] = {
        "version_id": 1,
        "kind": "clarify",
        "intent": None,
        "confidence": 0.4,
        "out_of_scope": 0.0,
    }
    columns |= {"reason": "between", "ranking": [], "options": ["vpn", "wifi"], "thresholds": {}}
    for said in ("1", "How do I join the office Wi-Fi?", "None of these"):
        with desk.database.write() as session:
            conversations.log_message(
                session, "the network", channel="rest", sender="u", external_id=None, decision=columns
            )
        desk.reply(said, channel="rest", sender="u")

    desk.reply("How do I join the office Wi-Fi?", channel="rest", sender="u")

    asked, chosen = ("between", None), ("choice", None)
    assert probabilities(desk) == [asked, chosen, asked, chosen, asked, ("none_of_these", None), ("exact", 1.0)]
    with desk.database.read() as session:
        intents = list(session.scalars(select(DecisionRow.intent).order_by(DecisionRow.id)))
    assert intents == [None, "vpn", None, "wifi", None, None, "wifi"]


def probabilities(desk: ChatService) -> list[tuple[str, float | None]]:
    """(reason, inclusion probability) of every decision."""
    with desk.database.read() as session:
        rows = session.execute(select(DecisionRow.reason, DecisionRow.inclusion_probability).order_by(DecisionRow.id))
        return list(rows.tuples())


def test_the_very_first_message_is_drawn_with_a_known_probability() -> None:
    """Surely, when some are wanted a night; by the rate alone, when none are."""
    assert sampler(audit_rate=0.02, audit_per_night=5).draw() == 1.0
    assert sampler(audit_rate=0.02, audit_per_night=0).draw() is None
