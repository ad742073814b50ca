"""Flips head the queue until they are labelled, and the audit sample knows of them."""

from datetime import timedelta
from typing import Any

import pytest
from nights import answer, flip
from queues import queued, undo_newest

from helpdesk.records import audit, conversations, faq, flips, labels, queue, staff
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.night_report import FlipReport, ReplayReport, VerdictReport
from helpdesk.records.queue import Change, Wanted

CHANGE = Change(answer("vpn").model_dump(), answer("wifi").model_dump())


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with two FAQ entries to choose from."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="Thus.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str, **more: Any) -> int:
    """A logged message that was surely answered with `vpn`; its id."""
    decision: dict[str, Any] = {"version_id": None, "kind": "answer", "intent": "vpn", "confidence": 0.95}
    decision |= {"out_of_scope": 0.0, "reason": "confident", "ranking": [], "options": [], "thresholds": {}} | more
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=decision)


def store(database: Database, *found: FlipReport, days_ago: float = 0) -> None:
    """A night with these flips."""
    with database.write() as session:
        flips.store(session, now() - timedelta(days=days_ago), found)


def verdict(*found: FlipReport) -> VerdictReport:
    """A verdict on a candidate that was replayed."""
    return VerdictReport(promote=True, reasons=(), replay=ReplayReport(messages=1, distinct=1, flips=found))


def texts(database: Database, **more: Any) -> list[tuple[str, int]]:
    """(normalised text, count) of what waits, in its order."""
    return [(item.normalised, item.count) for item in queued(database, **more)]


def label(database: Database, message: int, labeller: int) -> None:
    """Say what a message meant."""
    with database.write() as session:
        labels.label_message(session, message, kind="intent", intent="vpn", staff_id=labeller, holdout_share=0.3)


def test_flips_come_before_every_doubt_most_asked_first(database: Database) -> None:
    """A surely answered text waits too; a doubted one that flips waits once; the others follow by benefit."""
    for _ in range(5):
        say(database, "asked often, doubted", kind="fallback", confidence=0.1, intent=None)
    say(database, "Doubted and flips", kind="clarify", confidence=0.4, intent=None)
    for typed in ("Sure, but flips", "sure, but flips!"):
        say(database, typed)
    say(database, "sure and stays")
    store(database, flip("doubted and flips", 1), flip("sure, but flips", 2))
    items = queued(database)

    assert texts(database) == [("sure, but flips", 2), ("doubted and flips", 1), ("asked often, doubted", 5)]
    assert [item.change for item in items] == [CHANGE, CHANGE, None]
    assert texts(database, wanted=Wanted(kind="clarify")) == [("doubted and flips", 1)]
    assert texts(database, wanted=Wanted(kind="fallback")) == [("asked often, doubted", 5)]


def test_the_ten_asked_most_head_the_queue(database: Database) -> None:
    """What else flips waits only if it is doubted: the day's labels are few."""
    names = "abcdefghijkl"
    for name in names:
        say(database, f"flips {name}")
    store(database, *(flip(f"flips {name}", number) for number, name in enumerate(names)))

    assert [text for text, _ in texts(database)] == [f"flips {name}" for name in reversed(names[2:])]


def test_a_label_takes_a_flip_off_the_head_and_undoing_it_puts_it_back(database: Database, labeller: int) -> None:
    """Like every text of the queue."""
    message = say(database, "flips")
    store(database, flip("flips", 1))
    label(database, message, labeller)
    assert texts(database) == []
    with database.write() as session:
        undo_newest(session, staff_id=labeller)

    assert texts(database) == [("flips", 1)]


def test_every_night_replaces_the_flips_of_the_one_before(database: Database) -> None:
    """The same text may flip again; what does not flip any more waits no longer."""
    for text in ("first", "second"):
        say(database, text)
    store(database, flip("first", 3), flip("second", 1), days_ago=1)
    store(database, flip("second", 7))
    assert texts(database) == [("second", 1)]
    store(database)

    assert texts(database) == []


def test_what_staff_know_already_or_nobody_asked_does_not_wait(database: Database) -> None:
    """A flip with a known truth is not one to label, and one whose messages are gone cannot be."""
    say(database, "known")
    store(database, flip("known", 9, truth="vpn"), flip("gone", 9))

    assert texts(database) == []


def test_a_pick_from_what_was_offered_is_no_question(database: Database) -> None:
    """ "2" means something only after a clarifying question."""
    say(database, "printer", reason="choice")
    store(database, flip("printer", 4))

    assert texts(database) == []


def test_one_message_shows_its_change_too(database: Database) -> None:
    """When it is looked up by its number."""
    message, other = say(database, "flips"), say(database, "stays")
    store(database, flip("flips", 1))
    with database.read() as session:
        assert queue.find_item(session, message).change == CHANGE
        assert queue.find_item(session, other).change is None


def test_the_audit_sample_knows_what_was_put_in_front_of_staff(database: Database, labeller: int) -> None:
    """A labelled flip must not stand for the sure answers that nobody was shown, the nights after neither."""
    chosen, by_chance = (say(database, text, inclusion_probability=0.5) for text in ("flips", "stays"))
    store(database, flip("flips", 1), days_ago=1)
    for message in (chosen, by_chance):
        label(database, message, labeller)
    store(database)
    with database.read() as session:
        sample = audit.read_sample(session, since=now() - timedelta(days=30), review_below=0.8)

    assert [(row.queued, row.inclusion_probability) for row in sample] == [(True, 0.5), (False, 0.5)]


def test_the_audit_queue_says_nothing_of_flips(database: Database) -> None:
    """Its order and its items are the same with and without them."""
    for text in ("flips", "stays", "and this"):
        say(database, text, inclusion_probability=0.5)
    with database.read() as session:
        before = audit.audit_queue(session, since=now() - timedelta(days=30), limit=9)
    store(database, flip("flips", 8))
    with database.read() as session:
        assert audit.audit_queue(session, since=now() - timedelta(days=30), limit=9) == before


@pytest.mark.parametrize(
    ("kinds", "promoted", "found"),
    [
        (("refreshed", "retrained"), "refreshed", ["refreshed"]),
        (("refreshed", "retrained"), None, ["retrained"]),
        (("refreshed",), None, ["refreshed"]),
        (("first",), "first", ["first"]),
        ((), None, []),
    ],
)
def test_the_flips_are_those_of_the_winner_or_of_the_one_that_came_nearest(
    kinds: tuple[str, ...], promoted: str | None, found: list[str]
) -> None:
    """Promoted, else retrained, else refreshed."""
    verdicts = {kind: verdict(flip(kind, 1)) for kind in kinds}

    assert [flip.text for flip in flips.flips_of(verdicts, promoted)] == found


def test_a_verdict_without_a_replay_has_no_flips() -> None:
    """The first version replays nothing; an old report knows no replay."""
    none = VerdictReport(promote=True, reasons=())

    assert list(flips.flips_of({"refreshed": none}, None)) == []
    assert list(flips.flips_of({"refreshed": none}, "refreshed")) == []


def test_a_candidate_that_could_not_even_be_replayed_did_not_come_nearest() -> None:
    """A broken retrained one leaves the word to the refreshed one."""
    found = flip("flips", 1)
    verdicts = {"refreshed": verdict(found), "retrained": VerdictReport(promote=False, reasons=())}

    assert flips.flips_of(verdicts, None) == (found,)
