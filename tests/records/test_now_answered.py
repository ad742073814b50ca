"""Texts that what serves answers surely leave the queue, are found, and can be put back."""

from typing import Any

import pytest
from nights import flip
from queues import queued
from sqlalchemy import select

from helpdesk.records import conversations, faq, flips, labels, now_answered, staff, versions
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.now_answered import UnlabelledText
from helpdesk.records.tables import AskedText
from helpdesk.text import normalise, text_key

TUNNEL, KITCHEN = "the tunnel is dead", "the kitchen is dead"


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with an entry to choose."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="Thus.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str, *, kind: str = "fallback", **more: Any) -> int:
    """A logged message that was handed over, unless something else is said; its id."""
    ranking = [{"intent": "vpn", "confidence": 0.3, "nearest": None}]
    decision: dict[str, Any] = {
        "version_id": None,
        "kind": kind,
        "intent": None,
        "confidence": 0.3,
        "out_of_scope": 0.0,
    }
    decision |= {"reason": "unsure", "ranking": ranking, "options": [], "thresholds": {}} | more
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=decision)


def to_score(database: Database) -> list[UnlabelledText]:
    """What a night scores."""
    with database.read() as session:
        return now_answered.texts_to_score(session, review_below=0.8, limit=9)


def find(database: Database, *surely: str, scored: list[UnlabelledText] | None = None) -> tuple[int, int]:
    """A night that answers these texts, and no others, surely with `vpn`."""
    answers = {text_key(normalise(text)): ("vpn", 0.93) for text in surely}
    scored = to_score(database) if scored is None else scored
    with database.write() as session:
        return now_answered.store_answers(session, scored, answers)


def waiting(database: Database) -> list[str]:
    """The texts in the queue."""
    return [item.normalised for item in queued(database)]


def answered(database: Database) -> list[str]:
    """The texts under "Now answered"."""
    with database.read() as session:
        listed = now_answered.list_answered(session, limit=9)
        assert now_answered.count_answered(session) == len(listed)
        return [item.normalised for item in listed]


def test_what_is_answered_surely_leaves_the_queue_and_comes_back_when_it_is_not(database: Database) -> None:
    """Each night anew: of what waits, and of what left."""
    say(database, TUNNEL)
    say(database, KITCHEN)
    say(database, "surely answered before", kind="answer", confidence=0.95)
    assert find(database, TUNNEL) == (1, 0)
    assert (waiting(database), answered(database)) == ([KITCHEN], [TUNNEL])
    assert {text.typed for text in to_score(database)} == {TUNNEL, KITCHEN}
    assert find(database, KITCHEN) == (1, 1)
    assert (waiting(database), answered(database)) == ([TUNNEL], [KITCHEN])


def test_what_somebody_put_back_stays(database: Database) -> None:
    """Whatever later nights find."""
    message = say(database, TUNNEL)
    find(database, TUNNEL)
    with database.write() as session:
        assert now_answered.put_back(session, [message]) == 1
        assert now_answered.put_back(session, [message, 999]) == 0
    assert (waiting(database), answered(database)) == ([TUNNEL], [])
    assert to_score(database) == []


def test_a_promotion_lets_all_wait_until_the_night_has_scored(database: Database) -> None:
    """A rollback too: what another version answered says nothing."""
    say(database, TUNNEL)
    find(database, TUNNEL)
    with database.write() as session:
        version = versions.add_version(
            session, "a", kind="first", parent_id=None, rows_hash="", verdict="promote", report={}
        )
        versions.promote(session, version.id, reason="", author="test")

    assert (waiting(database), answered(database)) == ([TUNNEL], [])


def test_a_text_that_comes_again_follows_its_new_decision(database: Database) -> None:
    """Answered alike it stays where it is; decided otherwise it waits again."""
    say(database, TUNNEL)
    find(database, TUNNEL)
    say(database, TUNNEL, kind="answer", confidence=0.93, intent="vpn", reason="confident")
    assert (waiting(database), answered(database)) == ([], [TUNNEL])
    say(database, TUNNEL)
    assert (waiting(database), answered(database)) == ([TUNNEL], [])


def test_what_happens_while_a_night_scores_counts(database: Database, labeller: int) -> None:
    """A label and a new message are not overwritten with what was found about the text before them."""
    tunnel = say(database, TUNNEL)
    say(database, KITCHEN)
    scored = to_score(database)
    with database.write() as session:
        labels.label_message(session, tunnel, kind="out_of_scope", intent=None, staff_id=labeller, holdout_share=0.0)
    say(database, KITCHEN)
    find(database, TUNNEL, KITCHEN, scored=scored)

    assert (waiting(database), answered(database)) == ([KITCHEN], [])


def test_a_label_takes_a_text_out_of_the_tab(database: Database, labeller: int) -> None:
    """It is done then."""
    tunnel = say(database, TUNNEL)
    find(database, TUNNEL)
    with database.write() as session:
        labels.label_message(session, tunnel, kind="intent", intent="wifi", staff_id=labeller, holdout_share=0.0)

    assert (waiting(database), answered(database)) == ([], [])


def test_what_the_candidate_would_decide_otherwise_waits(database: Database) -> None:
    """Staff shall look at it, so no night takes it out, and what had left comes back."""
    say(database, TUNNEL)
    say(database, KITCHEN)
    find(database, TUNNEL)
    with database.write() as session:
        flips.store(session, now(), [flip(TUNNEL, 1), flip(KITCHEN, 1)])
    assert to_score(database) == []
    find(database)

    assert sorted(waiting(database)) == sorted([TUNNEL, KITCHEN])
    with database.read() as session:
        assert not session.scalars(select(AskedText.answered_at).where(AskedText.answered_at.is_not(None))).all()
