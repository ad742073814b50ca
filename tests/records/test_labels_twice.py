"""Labels that are sent twice, late, or by two people at once, on both databases."""

import threading
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from helpdesk.records import conversations, faq, labels, staff
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.labels import LabelledMeanwhileError
from helpdesk.records.new_faq import label_with_new_faq
from helpdesk.records.relabel_requests import said_once
from helpdesk.records.tables import Intent, Label

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.2, "out_of_scope": 0.5, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
ANN, BOB = 1, 2


@pytest.fixture
def message(database: Database) -> int:
    """A message that waits for Ann and Bob, with two entries to choose from."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="So.")], author="test")
        assert [staff.add_staff(session, name, password="correct horse").id for name in ("ann", "bob")] == [ANN, BOB]
        return conversations.log_message(
            session, "my tunnel broke", channel="rest", sender="u", external_id=None, decision=DECISION
        )


def say(database: Database, message: int, who: int, what: str, *, seen: int | None) -> int:
    """Label the message with an intent or a kind; the label's id."""
    kind, intent = (what, None) if what in labels.LABEL_KINDS else ("intent", what)
    with database.write() as session:
        return labels.label_message(
            session, message, kind=kind, intent=intent, staff_id=who, holdout_share=0.3, seen=seen
        ).id


def counting(database: Database) -> list[tuple[int, int]]:
    """(label, who) of what counts."""
    with database.read() as session:
        return [(label.id, label.staff_id) for label in labels.active_labels(session)]


def together(*work: Any) -> list[BaseException | Any]:
    """Do everything at one moment; what each returned or raised."""
    start, found = threading.Barrier(len(work)), dict[int, Any]()

    def run(number: int) -> None:
        start.wait(10)
        try:
            found[number] = work[number]()
        except LabelledMeanwhileError as error:
            found[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(work))]


def test_the_same_key_at_one_moment_is_one_label(database: Database, message: int) -> None:
    """However many requests a browser sends, all get the same one."""
    ids = together(*[lambda: say(database, message, ANN, "vpn", seen=0)] * 4)

    assert len(set(ids)) == 1
    assert counting(database) == [(ids[0], ANN)]


def test_of_two_people_at_one_moment_one_is_asked(database: Database, message: int) -> None:
    """Whoever comes second learns what the first one said."""
    one, two = together(
        lambda: say(database, message, ANN, "vpn", seen=0), lambda: say(database, message, BOB, "wifi", seen=0)
    )
    error, winner = (one, two) if isinstance(one, LabelledMeanwhileError) else (two, one)

    assert isinstance(error, LabelledMeanwhileError)
    assert error.label.id == error.seen == winner
    assert [number for number, _ in counting(database)] == [winner]


def test_a_new_faq_at_one_moment_is_one_entry(database: Database, message: int) -> None:
    """Both requests wait for each other, so neither fails."""

    def make() -> int:
        with database.write() as session:
            given: dict[str, Any] = {
                "question": "Tunnel broke?",
                "answer": "Dig.",
                "staff_id": ANN,
                "holdout_share": 0.3,
                "seen": 0,
            }
            return label_with_new_faq(session, message, **given).id

    one, two = together(make, make)

    assert one == two
    with database.read() as session:
        assert session.scalars(select(Intent.slug).where(Intent.question == "Tunnel broke?")).all() == ["tunnel_broke"]


def test_the_database_refuses_the_second_row(database: Database, message: int) -> None:
    """Whatever a program forgets to look at; labels of the time before count as different ones."""
    first, second = (say(database, message, ANN, "vpn", seen=seen) for seen in (0, None))
    with database.write() as session:
        session.execute(update(Label).where(Label.id == second).values(seen=None))
        session.execute(update(Label).where(Label.id == first).values(seen=None))

    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(update(Label).values(seen=0))


@pytest.mark.parametrize(("seen_first", "what"), [(True, "wifi"), (False, "vpn"), (False, "skip")])
def test_no_conflict(database: Database, message: int, seen_first: bool, what: str) -> None:
    """Whoever saw the label may say something else; the same, or a skip, needs no look at all."""
    first = say(database, message, BOB, "vpn", seen=0)
    mine = say(database, message, ANN, what, seen=first if seen_first else 0)

    assert counting(database) == [(first, BOB) if what == "skip" else (mine, ANN)]


def test_a_skip_meanwhile_is_nothing_to_ask_about(database: Database, message: int) -> None:
    """An answer says more."""
    say(database, message, BOB, "skip", seen=0)
    mine = say(database, message, ANN, "wifi", seen=0)

    assert counting(database) == [(mine, ANN)]


def test_whatever_is_there_needs_no_card(database: Database, message: int) -> None:
    """Programs that look at no card replace what there is."""
    say(database, message, BOB, "vpn", seen=0)
    mine = say(database, message, ANN, "wifi", seen=None)

    assert counting(database) == [(mine, ANN)]


def test_another_person_who_agrees_at_once_has_said_it_again(database: Database, message: int) -> None:
    """The same person would have sent a form twice; two people are two words."""
    first = say(database, message, BOB, "vpn", seen=0)
    with database.read() as session:
        assert set(said_once(session)) == {first}
    own = say(database, message, BOB, "vpn", seen=first)
    with database.read() as session:
        assert set(said_once(session)) == {own}
    say(database, message, ANN, "vpn", seen=0)
    with database.read() as session:
        assert set(said_once(session)) == set()
