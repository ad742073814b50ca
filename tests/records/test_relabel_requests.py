"""Labels that last night contradicted head the queue until somebody says the same again, or a week has passed."""

from datetime import timedelta
from typing import Any

import pytest
from queues import queued, undo_newest

from helpdesk.records import conversations, faq, labels, nights, queue, relabel_requests, staff
from helpdesk.records.clock import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.queue import Wanted
from helpdesk.text import text_key


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with two FAQ entries to choose from."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="Thus.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str) -> int:
    """A logged message that was surely answered with `vpn`; its id."""
    decision: dict[str, Any] = {"version_id": None, "kind": "answer", "intent": "vpn", "confidence": 0.95}
    decision |= {"out_of_scope": 0.0, "reason": "confident", "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=decision)


def label(database: Database, message: int, labeller: int, intent: str | None) -> str:
    """Say what a message meant; None for none of the FAQs. The row's id."""
    kind = "intent" if intent else "out_of_scope"
    with database.write() as session:
        found = labels.label_message(session, message, kind=kind, intent=intent, staff_id=labeller, holdout_share=0.3)
        return f"label:{found.id}"


def contradict(database: Database, *rows: str, verdict: str = "kept", figure: str = relabel_requests.FIGURE) -> None:
    """A night after which these labels wait to be labelled again."""
    facts = {"started_at": now(), "finished_at": now(), "verdict": verdict, "reason": "", "refusals": {}, "labels": 0}
    with database.write() as session:
        nights.add_night(session, **facts, figures={figure: list(rows)})


def test_a_contradicted_label_comes_first_and_says_what_was_said(database: Database, labeller: int) -> None:
    """Under its own tab there is none; the next night that contradicts nothing lets it go."""
    message = say(database, "tunnel is down")
    contradict(database, label(database, message, labeller, "wifi"))
    (item,) = queued(database)

    assert (item.message_id, item.said) == (message, "wifi")
    with database.read() as session:
        assert queue.find_item(session, message).said == "wifi"
    assert queued(database, wanted=Wanted(kind="answer")) == []
    contradict(database, verdict="failed")
    assert queued(database) == [item]
    contradict(database)
    assert queued(database) == []


def test_requests_of_an_older_night_are_still_read(database: Database, labeller: int) -> None:
    """They were stored under another name."""
    contradict(database, label(database, say(database, "tunnel is down"), labeller, "wifi"), figure="second_looks")

    assert [item.said for item in queued(database)] == ["wifi"]


@pytest.mark.parametrize("second", ["wifi", "vpn", None])
def test_whatever_is_said_on_another_day_settles_it(database: Database, labeller: int, second: str | None) -> None:
    """The same again confirms; another label is a new one, said once."""
    with simulated_time() as clock:
        message = say(database, "tunnel is down")
        contradict(database, label(database, message, labeller, "wifi"))
        clock.set(clock.read() + timedelta(days=1))
        again = label(database, message, labeller, second)
        assert queued(database) == []
        with database.read() as session:
            once = {f"label:{row}" for row in relabel_requests.said_once(session)}
            assert relabel_requests.times_said(session, text_key("tunnel is down")) == 2

    assert once == ({again} if second == "vpn" else set())


def test_one_look_is_not_two(database: Database, labeller: int) -> None:
    """A form that was sent twice, and a label that was taken back and given again, were said once."""
    message, other = say(database, "tunnel is down"), say(database, "no signal here")
    rows = [label(database, message, labeller, "wifi") for _ in range(2)]
    with simulated_time() as clock:
        label(database, other, labeller, "wifi")
        with database.write() as session:
            undo_newest(session, staff_id=labeller)
        clock.set(clock.read() + timedelta(days=1))
        rows.append(label(database, other, labeller, "wifi"))
        with database.read() as session:
            assert {f"label:{row}" for row in relabel_requests.said_once(session)} == set(rows[1:])


def test_undoing_a_second_label_leaves_the_first(database: Database, labeller: int) -> None:
    """The label that it superseded counts again, and waits again."""
    message = say(database, "tunnel is down")
    first = label(database, message, labeller, "wifi")
    contradict(database, first)
    label(database, message, labeller, "vpn")
    with database.write() as session:
        undo_newest(session, staff_id=labeller)
    with database.read() as session:
        (left,) = labels.active_labels(session)

    assert f"label:{left.id}" == first
    assert [item.said for item in queued(database)] == ["wifi"]


def test_a_relabel_request_can_be_put_off_and_that_undone(database: Database, labeller: int) -> None:
    """The card goes until the next night asks again; undo brings it back, and takes back nobody's label."""
    message, other = say(database, "tunnel is down"), say(database, "no signal here")
    first, unconcerned = label(database, message, labeller, "wifi"), label(database, other, labeller, "wifi")
    contradict(database, first)
    with database.write() as session:
        labels.label_message(session, message, kind="skip", staff_id=labeller, holdout_share=0.3)
    assert queued(database) == []

    with database.write() as session:
        undo_newest(session, staff_id=labeller)
    with database.read() as session:
        assert [f"label:{row.id}" for row in labels.active_labels(session)] == [first, unconcerned]
    assert [item.said for item in queued(database)] == ["wifi"]

    with database.write() as session:
        labels.label_message(session, message, kind="skip", staff_id=labeller, holdout_share=0.3)
    contradict(database, first)
    assert [item.said for item in queued(database)] == ["wifi"]


def test_after_a_week_it_counts_and_waits_still(database: Database, labeller: int) -> None:
    """Whoever skips a week still finds what to look at."""
    with simulated_time() as clock:
        row = label(database, say(database, "tunnel is down"), labeller, "wifi")
        contradict(database, row)
        week = relabel_requests.REPEAT_WITHIN
        for age, fresh in ((week - timedelta(minutes=1), True), (timedelta(minutes=1), False)):
            clock.set(clock.read() + age)
            with database.read() as session:
                assert list(relabel_requests.said_once(session).values()) == [fresh]
            assert len(queued(database)) == 1


def test_out_of_scope_is_said_at_once(database: Database, labeller: int) -> None:
    """Only labels that name an intent wait."""
    label(database, say(database, "tunnel is down"), labeller, None)

    with database.read() as session:
        assert relabel_requests.said_once(session) == {}
