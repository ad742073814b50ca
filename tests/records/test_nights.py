"""The history of nights and the test-then-train clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from queues import undo_newest
from sqlalchemy.exc import IntegrityError

from helpdesk.records import conversations, faq, labels, nights, staff
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.nights import Scored


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with two FAQ entries to choose from."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="Thus.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str, kind: str, best: str | None = None) -> int:
    """A logged message with this decision; its id."""
    ranking = [{"intent": best, "confidence": 0.5, "nearest": None, "similarity": None}] if best else []
    decision: dict[str, Any] = {
        "version_id": None,
        "kind": kind,
        "intent": best if kind == "answer" else None,
        "confidence": 0.5,
    }
    decision |= {"out_of_scope": 0.0, "reason": "r", "ranking": ranking, "options": [], "thresholds": {}}
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=decision)


def label(database: Database, message: int, labeller: int, intent: str | None) -> None:
    """Say what a message meant, None for none of the FAQs."""
    kind = "intent" if intent else "out_of_scope"
    with database.write() as session:
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=labeller, holdout_share=0.3)


def scored(database: Database, since: datetime | None = None, until: datetime | None = None) -> Scored:
    """The clock's reading."""
    with database.read() as session:
        return nights.score_new_labels(session, since=since, until=until or now())


def night(**more: Any) -> dict[str, Any]:
    """The columns of a good night with these changes."""
    columns: dict[str, Any] = {"started_at": now(), "finished_at": now(), "verdict": "kept", "reason": "nothing new"}
    return columns | {"refusals": {}, "labels": 3, "figures": {}} | more


@pytest.mark.parametrize(
    ("kind", "best", "meaning", "right"),
    [
        ("answer", "vpn", "vpn", True),
        ("clarify", "vpn", "vpn", True),
        ("answer", "wifi", "vpn", False),
        ("fallback", "wifi", "vpn", False),
        ("fallback", None, "vpn", False),
        ("fallback", "vpn", None, True),
        ("clarify", "vpn", None, True),
        ("answer", "vpn", None, False),
    ],
)
def test_a_label_scores_the_decision_that_was_made(
    database: Database, labeller: int, kind: str, best: str | None, meaning: str | None, right: bool
) -> None:
    """In scope the right intent was ranked first; out of scope nothing was answered."""
    label(database, say(database, "tunnel is down", kind, best), labeller, meaning)

    assert scored(database) == Scored(1, int(right))


def test_only_labels_since_the_last_night_count(database: Database, labeller: int) -> None:
    """Each label scores once, before it trains; skipped and undone ones never."""
    label(database, say(database, "tunnel is down", "answer", "vpn"), labeller, "vpn")
    then = now()
    label(database, say(database, "no signal in room nine", "answer", "vpn"), labeller, "wifi")
    message = say(database, "what is this", "fallback")
    with database.write() as session:
        labels.label_message(session, message, kind="skip", staff_id=labeller, holdout_share=0.3)
    label(database, say(database, "peru", "fallback"), labeller, None)
    with database.write() as session:
        undo_newest(session, staff_id=labeller)

    assert scored(database) == Scored(2, 1)
    assert scored(database, then) == Scored(1, 0)


def test_a_label_given_again_is_not_scored_again(database: Database, labeller: int) -> None:
    """The message had its say when it was labelled first."""
    with simulated_time() as clock:
        message = say(database, "tunnel is down", "answer", "vpn")
        label(database, message, labeller, "wifi")
        then = now()
        with database.write() as session:
            nights.add_night(session, **night(started_at=then))
        clock.set(then + timedelta(days=1))
        label(database, message, labeller, "wifi")

        assert scored(database, then) == Scored(0, 0)
        assert scored(database) == Scored(1, 0)


def test_each_label_counts_in_one_night(database: Database, labeller: int) -> None:
    """One that is given while a night runs is the next one's; a night that failed has counted nothing."""
    label(database, say(database, "tunnel is down", "answer", "vpn"), labeller, "vpn")
    with database.write() as session:
        nights.add_night(session, **night(verdict="failed"))
    started = now()
    label(database, say(database, "no signal in room nine", "answer", "vpn"), labeller, "wifi")
    with database.write() as session:
        until = nights.measured_until(session)
        nights.add_night(session, **night(started_at=started))
        since = nights.measured_until(session)

    assert until is None
    assert scored(database, until, started) == Scored(1, 1)
    assert since == started
    assert scored(database, since) == Scored(1, 0)


def test_a_text_that_was_labelled_before_it_came_again_does_not_count(database: Database, labeller: int) -> None:
    """The version may have learnt it, so a corrected label says nothing about what it could do unseen."""
    label(database, say(database, "tunnel is down", "fallback", "wifi"), labeller, "vpn")
    again = say(database, "tunnel is down", "answer", "vpn")
    label(database, again, labeller, "vpn")

    assert scored(database) == Scored(0, 0)


def test_a_label_that_was_undone_and_given_again_counts(database: Database, labeller: int) -> None:
    """A slip of the finger does not take the message out of the clock."""
    message = say(database, "tunnel is down", "answer", "vpn")
    label(database, message, labeller, "wifi")
    label(database, message, labeller, "vpn")

    assert scored(database) == Scored(1, 1)


def test_what_was_skipped_or_taken_back_before_is_unseen_still(database: Database, labeller: int) -> None:
    """A skip teaches nothing, and neither does a label that was undone before the message came or the night began."""
    with simulated_time() as clock:
        skipped, undone = say(database, "tunnel is down", "fallback"), say(database, "no signal here", "fallback")
        with database.write() as session:
            labels.label_message(session, skipped, kind="skip", staff_id=labeller, holdout_share=0.3)
        label(database, undone, labeller, "vpn")
        with database.write() as session:
            undo_newest(session, staff_id=labeller)
        clock.set(then := clock.read() + timedelta(days=1))
        with database.write() as session:
            nights.add_night(session, **night(started_at=then))
        clock.set(then + timedelta(hours=1))
        for text in ("tunnel is down", "no signal here"):
            label(database, say(database, text, "answer", "vpn"), labeller, "vpn")

        assert scored(database, then) == Scored(2, 2)


def test_a_night_whose_clock_ran_ahead_has_counted_nothing(database: Database, labeller: int) -> None:
    """Else nothing would count until its date has come."""
    with database.write() as session:
        nights.add_night(session, **night(started_at=now() - timedelta(days=1), reason="yesterday"))
        nights.add_night(session, **night(started_at=now() + timedelta(days=300)))
        yesterday = nights.list_nights(session, limit=2)[0].started_at

        assert nights.measured_until(session) == yesterday


def test_nights_come_back_in_their_order(database: Database) -> None:
    """By sequence, not by clock; the newest ones, oldest first."""
    with database.write() as session:
        for number in range(5):
            nights.add_night(session, **night(reason=f"night {number}", finished_at=now() - timedelta(days=number)))
    with database.read() as session:
        found = [row.reason for row in nights.list_nights(session, limit=3)]
        last = nights.last_night(session)

    assert found == ["night 2", "night 3", "night 4"]
    assert last is not None
    assert last.reason == "night 4"


def test_before_the_first_night_there_is_none(database: Database) -> None:
    """None, not an invented row."""
    with database.read() as session:
        assert nights.last_night(session) is None
        assert nights.list_nights(session, limit=3) == []


@pytest.mark.parametrize("columns", [{"verdict": "perhaps"}, {"version_id": 7}])
def test_the_database_refuses_bad_nights(database: Database, columns: dict[str, Any]) -> None:
    """Allowed verdicts, existing versions."""
    with pytest.raises(IntegrityError), database.write() as session:
        nights.add_night(session, **night(**columns))


def test_counting_goes_on_after_a_night_of_a_wrong_clock(database: Database) -> None:
    """The newest night by number says from when, not the one furthest ahead."""
    ahead, right = now() + timedelta(days=2000), now()
    with database.write() as session:
        nights.add_night(session, **night(started_at=ahead, finished_at=ahead))
        nights.add_night(session, **night(started_at=right))
        nights.add_night(session, **night(verdict="failed"))
        assert nights.measured_until(session) == right
