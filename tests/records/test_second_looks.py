"""Labels that last night contradicted head the queue until somebody says the same again, or a week has passed."""

from datetime import timedelta
from typing import Any

import pytest
from test_flips import queue

from helpdesk.records import conversations, faq, labels, nights, second_looks, staff
from helpdesk.records.base import now, simulated_time
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
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


def contradict(database: Database, *rows: str, verdict: str = "kept") -> None:
    """A night after which these labels wait for a second look."""
    facts = {"started_at": now(), "finished_at": now(), "verdict": verdict, "reason": "", "refusals": {}, "labels": 0}
    with database.write() as session:
        nights.add_night(session, **facts, figures={second_looks.FIGURE: list(rows)})


def test_a_contradicted_label_comes_first_and_says_what_was_said(database: Database, labeller: int) -> None:
    """Under its own tab there is none; the next night that contradicts nothing lets it go."""
    message = say(database, "tunnel is down")
    contradict(database, label(database, message, labeller, "wifi"))
    (item,) = queue(database)

    assert (item.message_id, item.said) == (message, "wifi")
    with database.read() as session:
        assert labels.find_item(session, message).said == "wifi"
    assert queue(database, kind="answer") == []
    contradict(database, verdict="failed")
    assert queue(database) == [item]
    contradict(database)
    assert queue(database) == []


@pytest.mark.parametrize("second", ["wifi", "vpn", None])
def test_whatever_is_said_next_settles_it(database: Database, labeller: int, second: str | None) -> None:
    """The same again confirms; another label is a new one, said once."""
    message = say(database, "tunnel is down")
    contradict(database, label(database, message, labeller, "wifi"))
    again = label(database, message, labeller, second)

    assert queue(database) == []
    with database.read() as session:
        once = {f"label:{row}" for row in second_looks.said_once(session)}
        assert second_looks.times_said(session, text_key("tunnel is down")) == 2
    assert once == ({again} if second == "vpn" else set())


def test_nobody_waits_for_longer_than_a_week(database: Database, labeller: int) -> None:
    """After that the label counts against the bot as it is."""
    with simulated_time() as clock:
        row = label(database, say(database, "tunnel is down"), labeller, "wifi")
        contradict(database, row)
        assert len(queue(database)) == 1
        clock.set(clock.read() + second_looks.PATIENCE - timedelta(minutes=1))
        assert len(queue(database)) == 1
        clock.set(clock.read() + timedelta(minutes=1))
        assert queue(database) == []


def test_out_of_scope_is_said_at_once(database: Database, labeller: int) -> None:
    """Only labels that name an intent wait."""
    label(database, say(database, "tunnel is down"), labeller, None)

    with database.read() as session:
        assert second_looks.said_once(session) == set()
