"""The audit lane in the database: what is drawn, what waits, and what a label settles."""

from datetime import timedelta
from typing import Any

import pytest
from queues import undo_newest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from helpdesk.records import audit, conversations, faq, labels, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Message
from helpdesk.stats.audit_estimates import Audited, out_of_scope, wrong_answers
from helpdesk.text import OUT_OF_SCOPE, text_key

MONTH = timedelta(days=30)


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with two FAQ entries to choose from."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="Thus.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str, *, probability: float | None = 0.5, days_ago: float = 0, **more: Any) -> int:
    """A logged message that was answered with `vpn`, drawn with this probability; its id."""
    ranking = [{"intent": "vpn", "confidence": 0.95, "nearest": None, "similarity": None}]
    decision = {"version_id": None, "kind": "answer", "intent": "vpn", "confidence": 0.95, "out_of_scope": 0.0}
    decision |= {
        "reason": "confident",
        "ranking": ranking,
        "options": [],
        "thresholds": {},
        "inclusion_probability": probability,
    } | more
    with database.write() as session:
        message = conversations.log_message(
            session, text, channel="rest", sender="u", external_id=None, decision=decision
        )
        when = now() - timedelta(days=days_ago)
        session.execute(update(Message).where(Message.id == message).values(created_at=when))
    return message


def label(database: Database, message: int, labeller: int, kind: str = "intent", intent: str | None = "vpn") -> None:
    """Say what a message meant."""
    with database.write() as session:
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=labeller, holdout_share=0.3)


def sample(database: Database) -> list[Audited]:
    """The month's audit sample."""
    with database.read() as session:
        return audit.read_sample(session, since=now() - MONTH, review_below=0.8)


def waiting(database: Database) -> list[str]:
    """The texts of the audit queue, in its order."""
    with database.read() as session:
        queue = audit.audit_queue(session, since=now() - MONTH, limit=99)
        assert audit.audit_queue_length(session, since=now() - MONTH) == len(queue)
        return [item.normalised for item in queue]


def test_drawn_messages_wait_whatever_was_decided(database: Database) -> None:
    """Sure answers, exact ones, clarifications and fallbacks alike; what was not drawn does not."""
    say(database, "sure")
    say(database, "exact", reason="exact", confidence=1.0)
    say(database, "asked back", kind="clarify", intent=None)
    say(database, "handed over", kind="fallback", intent=None, ranking=[])
    say(database, "not drawn", probability=None)
    say(database, "long ago", days_ago=31)
    say(database, "???")

    assert sorted(waiting(database)) == ["asked back", "exact", "handed over", "sure"]


def test_the_order_tells_nothing(database: Database) -> None:
    """Neither time nor confidence nor decision: the order is that of a hash, the same every time."""
    texts = [f"message number {number}" for number in range(12)]
    for number, text in enumerate(texts):
        say(database, text, confidence=number / 12)
    shown = waiting(database)

    assert sorted(shown) == sorted(texts)
    assert shown not in (texts, texts[::-1])
    assert waiting(database) == shown


def test_the_share_out_of_scope_is_that_of_the_sample_once_thirty_are_labelled(
    database: Database, labeller: int
) -> None:
    """A percentage rounded up, each message by its probability; what only the queue showed does not count."""
    for number in range(27):
        label(database, say(database, f"my tunnel {number}"), labeller)
        label(database, say(database, f"queued {number}", probability=None), labeller, "out_of_scope", None)
    for number in range(2):
        label(database, say(database, f"poem {number}"), labeller, "out_of_scope", None)
    with database.read() as session:
        unknown = audit.out_of_scope_share(session, since=now() - MONTH, review_below=0.8)
    label(database, say(database, "one more tunnel"), labeller)
    with database.read() as session:
        share = audit.out_of_scope_share(session, since=now() - MONTH, review_below=0.8)

    assert unknown is None
    assert share == 0.07  # 2 of 30


def test_a_text_that_was_drawn_twice_waits_once_and_counts_twice(database: Database, labeller: int) -> None:
    """One label settles both, with the probability of each."""
    say(database, "tunnel is down", probability=1.0)
    message = say(database, "Tunnel is down!", probability=0.1)
    assert waiting(database) == ["tunnel is down"]
    label(database, message, labeller)

    assert waiting(database) == []
    assert [(row.inclusion_probability, row.meaning) for row in sample(database)] == [(1.0, "vpn"), (0.1, "vpn")]


def test_a_label_of_the_ordinary_queue_settles_the_audit_of_its_text(database: Database, labeller: int) -> None:
    """How it was drawn makes the sample, not the queue that a label came from."""
    label(database, say(database, "tunnel is down", probability=None), labeller, intent="wifi")
    say(database, "Tunnel is down.")

    assert waiting(database) == []
    assert wrong_answers(sample(database)).share == 1.0


def test_what_a_row_says(database: Database, labeller: int) -> None:
    """Odds, decision and meaning; skipped ones stay unlabelled, undone labels say nothing, empty texts say
    OUT_OF_SCOPE.
    """
    label(database, say(database, "first"), labeller, "out_of_scope", None)
    label(database, say(database, "second"), labeller, "skip", None)
    label(database, say(database, "third"), labeller)
    with database.write() as session:
        undo_newest(session, staff_id=labeller)
    say(database, "!!!", kind="fallback", intent=None, ranking=[], confidence=0.0, reason="empty")
    say(database, "unsure answer", confidence=0.6)
    rows = sample(database)

    assert [row.meaning for row in rows] == [OUT_OF_SCOPE, None, None, OUT_OF_SCOPE, None]
    assert [row.queued for row in rows] == [False, False, False, True, True]
    assert [row.best for row in rows] == ["vpn", "vpn", "vpn", None, "vpn"]


def test_a_corrected_label_counts_as_it_is_now(database: Database, labeller: int) -> None:
    """The newest word on a text, once."""
    message = say(database, "tunnel is down")
    label(database, message, labeller, intent="wifi")
    label(database, message, labeller, intent="vpn")

    assert [row.meaning for row in sample(database)] == ["vpn"]


def test_recent_traffic_looks_back_seven_days_and_no_further_than_the_past_goes(database: Database) -> None:
    """A new desk has one day at least, an old one seven."""

    def seen() -> tuple[int, float]:
        with database.read() as session:
            found = audit.recent_traffic(session, now())
        return found.messages, round(found.days, 1)

    assert seen() == (0, 1.0)
    say(database, "just now", probability=None)
    assert seen() == (1, 1.0)
    say(database, "three days ago", probability=None, days_ago=3)
    assert seen() == (2, 3.0)
    say(database, "nine days ago", probability=None, days_ago=9)
    assert seen() == (2, 3.0)
    say(database, "while the clock ran ahead", probability=None, days_ago=-300)
    assert seen() == (2, 3.0)


def test_what_only_an_unpublished_faq_answers_is_out_of_scope(database: Database, labeller: int) -> None:
    """Its meaning stays, so that an answer given before is no wrong one."""
    label(database, say(database, "tunnel is down"), labeller)
    with database.write() as session:
        faq.set_status(session, "vpn", status="draft", author="test")
    (row,) = sample(database)

    assert (row.meaning, row.published, row.text) == ("vpn", False, "tunnel is down")
    assert out_of_scope([row]).share == 1.0
    assert wrong_answers([row]).share == 0.0


@pytest.mark.parametrize("probability", [0.0, 1.5, -0.1])
def test_the_database_refuses_what_is_no_probability(database: Database, probability: float) -> None:
    """A drawn message has a probability above 0 and up to 1."""
    with pytest.raises(IntegrityError, match="inclusion_probability"):
        say(database, "hello", probability=probability)


def test_drawn_texts_are_those_of_the_lane(database: Database) -> None:
    """A text counts as drawn once any message that said it was."""
    for text, probability in (("My VPN!", None), ("my vpn", 0.02), ("wifi", None)):
        say(database, text, probability=probability)

    with database.read() as session:
        assert audit.drawn_texts(session) == {text_key("my vpn")}
