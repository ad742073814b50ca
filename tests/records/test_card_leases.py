"""Two people at one queue look at different texts."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from helpdesk.records import card_leases, conversations, labels, staff
from helpdesk.records.card_leases import LEASE
from helpdesk.records.clock import simulated_time
from helpdesk.records.database import Database

ANN, BOB, CAT = 1, 2, 3
TEXTS = ("one", "two")


@pytest.fixture(autouse=True)
def people(database: Database) -> None:
    """Three who label."""
    with database.write() as session:
        for name in ("ann", "bob", "cat"):
            staff.add_staff(session, name, password="correct horse")


def take(database: Database, who: int, *texts: str) -> tuple[str, str] | None:
    """(text, token) of the lease that somebody gets."""
    with database.write() as session:
        lease = card_leases.take(session, dict.fromkeys(texts, 0), staff_id=who)
        return None if lease is None else (lease.text_key, lease.token)


def seen_by(database: Database, who: int) -> dict[str, str]:
    """What others look at."""
    with database.read() as session:
        return card_leases.others(session, staff_id=who)


def test_each_gets_the_next_that_is_free(database: Database) -> None:
    """And sees who looks at what; whoever moves on leaves the text before to the others."""
    found = [take(database, who, *TEXTS) for who in (ANN, BOB, CAT)]

    assert [lease and lease[0] for lease in found] == ["one", "two", None]
    assert seen_by(database, BOB) == {"one": "ann"}
    assert seen_by(database, CAT) == {"one": "ann", "two": "bob"}
    assert take(database, ANN) is None
    assert seen_by(database, BOB) == {}


def test_at_one_moment_they_get_different_texts(database: Database) -> None:
    """The second waits for the first."""
    found: list[tuple[str, str] | None] = []
    start = threading.Barrier(2)

    def run(who: int) -> None:
        start.wait(10)
        found.append(take(database, who, *TEXTS))

    threads = [threading.Thread(target=run, args=(who,)) for who in (ANN, BOB)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {lease and lease[0] for lease in found} == set(TEXTS)


def test_what_was_labelled_since_the_queue_was_read_is_passed_over(database: Database) -> None:
    """Whoever labels a text looks at it no more, so its lease alone would give it to the other."""
    decision: dict[str, Any] = {"version_id": None, "kind": "fallback", "intent": None, "confidence": 0.2}
    decision |= {"out_of_scope": 0.5, "reason": "unsure", "ranking": [], "options": [], "thresholds": {}}
    with database.write() as session:
        message_id = conversations.log_message(
            session, "hello", channel="rest", sender="u", external_id=None, decision=decision
        )
        given = labels.label_message(session, message_id, kind="out_of_scope", staff_id=BOB, holdout_share=0.2)
        key, newest = given.text_key, given.id
    with database.write() as session:
        later = card_leases.take(session, {key: 0, "two": 0}, staff_id=ANN)
        again = card_leases.take(session, {key: newest, "three": 0}, staff_id=BOB)

        assert later is not None
        assert later.text_key == "two"
        assert again is not None
        assert again.text_key == key


def test_a_lease_runs_out_unless_the_card_is_looked_at(database: Database) -> None:
    """Then it is somebody else's, and stays so."""
    with simulated_time() as clock:
        lease = take(database, ANN, "one")
        assert lease
        for who, expected in ((ANN, {"one": "ann"}), (BOB, {"one": "ann"})):
            clock.set(clock.read() + LEASE - timedelta(seconds=1))
            with database.write() as session:
                card_leases.renew(session, lease[1], staff_id=who)
            assert seen_by(database, BOB) == expected
        clock.set(clock.read() + timedelta(seconds=2))
        assert seen_by(database, BOB) == {}
        assert take(database, BOB, "one")
        with database.write() as session:
            card_leases.renew(session, lease[1], staff_id=ANN)
        assert seen_by(database, ANN) == {"one": "bob"}


def test_leaving_frees_the_card_that_was_left(database: Database) -> None:
    """Not the one that the person sees by then, nor somebody else's."""
    before, after = take(database, ANN, "one"), take(database, ANN, "two")
    assert before
    assert after
    for token, who in ((before[1], ANN), (after[1], BOB)):
        with database.write() as session:
            card_leases.leave(session, token, staff_id=who)
    assert seen_by(database, BOB) == {"two": "ann"}
    with database.write() as session:
        card_leases.leave(session, after[1], staff_id=ANN)
    assert seen_by(database, BOB) == {}
