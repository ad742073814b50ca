"""The queue, labels, and splits that never change."""

import threading
from typing import Any

import pytest
from queues import undo_newest
from sqlalchemy import select

from helpdesk.errors import BadInputError, NotFoundError
from helpdesk.records import conversations, faq, labels, queue, splits, staff
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Label


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with one FAQ entry to choose."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", question="VPN?", answer="So.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str, *, kind: str = "fallback", confidence: float = 0.2, **more: Any) -> int:
    """A logged message with this decision; its id."""
    decision = {"version_id": None, "kind": kind, "intent": None, "confidence": confidence, "out_of_scope": 0.5}
    decision |= {"reason": "unsure", "ranking": [], "options": [], "thresholds": {}} | more
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=decision)


def waiting(database: Database) -> list[tuple[str, int]]:
    """(normalised text, count) of the queue, in its order."""
    with database.read() as session:
        return [(item.normalised, item.count) for item in queue.items(session, review_below=0.8, limit=99)]


def label(database: Database, message_id: int, labeller: int, **more: Any) -> str:
    """Label a message; the split it got."""
    options: dict[str, Any] = {"kind": "intent", "intent": "vpn", "holdout_share": 0.3} | more
    with database.write() as session:
        return labels.label_message(session, message_id, staff_id=labeller, **options).split


def test_the_queue_groups_by_normalised_text_and_orders_by_benefit(database: Database) -> None:
    """Count times uncertainty: often asked and least sure first."""
    say(database, "rare question")
    for typed in ("VPN broken", "vpn  broken!", "Vpn broken?"):
        say(database, typed)
    say(database, "half sure", kind="answer", confidence=0.7)

    assert waiting(database) == [("vpn broken", 3), ("rare question", 1), ("half sure", 1)]


def test_what_was_answered_surely_does_not_wait(database: Database) -> None:
    """Confident and exact answers, chosen options and empty texts are not queued."""
    say(database, "sure", kind="answer", confidence=0.9)
    say(database, "exact", kind="answer", confidence=0.5, reason="exact")
    say(database, "2", kind="answer", confidence=0.1, reason="choice")
    say(database, "!!!")

    assert waiting(database) == []


def test_a_label_counts_for_every_message_of_the_same_text(database: Database, labeller: int) -> None:
    """Labelled text leaves the queue and does not come back when it is said again."""
    first = say(database, "my vpn is broken")
    say(database, "My VPN is broken!")
    label(database, first, labeller)
    say(database, "my vpn is broken")

    assert waiting(database) == []


def test_undo_brings_the_text_back(database: Database, labeller: int) -> None:
    """Undo takes back one's own newest label, then the one before."""
    for text in ("first thing", "second thing"):
        label(database, say(database, text), labeller)
    for expected in (1, 2):
        with database.write() as session:
            undo_newest(session, staff_id=labeller)
        assert len(waiting(database)) == expected


def test_labelling_again_replaces_the_label(database: Database, labeller: int) -> None:
    """One word per text counts, the latest."""
    message = say(database, "my vpn is broken")
    label(database, message, labeller)
    label(database, message, labeller, kind="out_of_scope", intent=None)

    with database.read() as session:
        assert [found.kind for found in labels.active_labels(session)] == ["out_of_scope"]


def test_a_skip_takes_back_no_answer(database: Database, labeller: int) -> None:
    """Of two who have the same message before them, one knows; nor does undo then touch what the other said."""
    message = say(database, "my vpn is broken")
    label(database, message, labeller)
    label(database, message, labeller, kind="skip", intent=None)
    with database.read() as session:
        assert [found.kind for found in labels.active_labels(session)] == ["intent"]

    label(database, message, labeller, kind="out_of_scope", intent=None)
    with database.write() as session:
        undo_newest(session, staff_id=labeller)
    with database.read() as session:
        assert [found.kind for found in labels.active_labels(session)] == ["intent"]


def test_near_duplicates_share_a_split_for_good(database: Database, labeller: int) -> None:
    """Splits are decided at first sight; a near-duplicate inherits, whatever the share is by then."""
    first = label(database, say(database, "the coffee machine is leaking water"), labeller, holdout_share=1.0)
    near = label(database, say(database, "the coffee machine is leaking waters"), labeller, holdout_share=0.0)
    same = label(database, say(database, "The coffee machine is leaking water!"), labeller, holdout_share=0.0)
    other = label(database, say(database, "badge does not open the door"), labeller, holdout_share=0.0)

    assert (first, near, same, other) == ("holdout", "holdout", "holdout", "train")


def test_a_near_duplicate_of_a_phrasing_trains(database: Database, labeller: int) -> None:
    """FAQ phrasings all train, so what is almost one must not be measured on."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", phrasings=("the tunnel keeps dropping",))], author="test")

    assert label(database, say(database, "the tunnel keeps droping"), labeller, holdout_share=1.0) == "train"


def test_a_stored_split_never_changes(database: Database, labeller: int) -> None:
    """Neither when the text is labelled again, nor when the FAQ says it by then, nor after an undo."""
    message = say(database, "the tunnel keeps dropping")
    assert label(database, message, labeller, holdout_share=1.0) == "holdout"
    with database.write() as session:
        undo_newest(session, staff_id=labeller)
        faq.store_entries(session, [Entry("vpn", phrasings=("the tunnel keeps droping",))], author="test")

    assert label(database, message, labeller, holdout_share=0.0) == "holdout"


def test_near_duplicates_labelled_at_one_moment_share_a_group(database: Database, labeller: int) -> None:
    """Whoever comes second waits, and joins the group of the first."""
    one = say(database, "the coffee machine is leaking water")
    two = say(database, "the coffee machine is leaking waters")
    second = threading.Thread(target=label, args=(database, two, labeller))
    with database.write() as session:
        options: dict[str, Any] = {"kind": "intent", "intent": "vpn", "holdout_share": 0.3}
        labels.label_message(session, one, staff_id=labeller, **options)
        second.start()
        second.join(timeout=0.5)
    second.join()

    with database.read() as session:
        found = labels.active_labels(session)
    assert len(found) == 2
    assert len({row.group_key for row in found}) == 1


def test_a_text_near_both_splits_goes_to_neither(database: Database, labeller: int) -> None:
    """What would bridge the split neither trains nor measures."""
    one, two = "red printer on floor nine jams often", "red printer on floor five jams often"
    middle = "red printer on floor nive jams often"
    share = {one: 1.0, two: 0.0}
    with database.write() as session:
        for text, part in share.items():
            group, split = ("g-" + text, "holdout" if part else "train")
            message = conversations.log_message(
                session, text, channel="rest", sender="u", external_id=None, decision=DECIDED
            )
            row = {"message_id": message, "text": text, "normalised": text, "text_key": text[:32]}
            session.add(Label(**row, kind="skip", split=split, group_key=group, staff_id=labeller))

    assert label(database, say(database, middle), labeller) == "neither"


DECIDED: dict[str, Any] = {
    "version_id": None,
    "kind": "fallback",
    "intent": None,
    "confidence": 0.0,
    "out_of_scope": 0.0,
}
DECIDED |= {"reason": "unsure", "ranking": [], "options": [], "thresholds": {}}


def test_the_held_out_share_is_kept_over_many_groups(database: Database) -> None:
    """About the chosen share of distinct groups is held out, by a hash of their text."""
    with database.read() as session:
        drawn = [splits.assign_split(session, f"{n * 7919}", holdout_share=0.3)[1] for n in range(400)]

    assert 90 <= drawn.count("holdout") <= 150


@pytest.mark.parametrize(
    ("message", "options", "word"),
    [
        ("vpn", {"kind": "out_of_scope"}, "expected an intent"),
        ("vpn", {"intent": None}, "expected an intent"),
        ("???", {}, "no letters"),
    ],
)
def test_labels_that_make_no_sense_are_refused(
    database: Database, labeller: int, message: str, options: dict[str, Any], word: str
) -> None:
    """The error says what was expected."""
    with pytest.raises(BadInputError, match=word):
        label(database, say(database, message), labeller, **options)


def test_an_unknown_message_or_intent_is_named(database: Database, labeller: int) -> None:
    """Nothing is stored."""
    with pytest.raises(NotFoundError, match="no message 77"):
        label(database, 77, labeller)
    with pytest.raises(NotFoundError, match="'nope'"):
        label(database, say(database, "hello there"), labeller, intent="nope")
    with database.read() as session:
        assert session.scalars(select(Label)).all() == []
