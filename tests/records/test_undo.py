"""Undo takes back the label that it names, and nothing else."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from helpdesk.errors import ConflictError, NotFoundError
from helpdesk.records import conversations, exclusions, faq, golden, labels, staff
from helpdesk.records import undo as undoing
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.new_faq import label_with_new_faq
from helpdesk.records.undo import LabelledSinceError

DECIDED: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.2, "out_of_scope": 0.5, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
ANN, BOB = 1, 2


@pytest.fixture
def messages(database: Database) -> list[int]:
    """Nine messages, two entries, and Ann and Bob who label."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="So."), Entry("wifi", answer="So.")], author="test")
        assert [staff.add_staff(session, name, password="correct horse").id for name in ("ann", "bob")] == [ANN, BOB]
        return [
            conversations.log_message(
                session, f"odd thing {n * n}", channel="rest", sender="u", external_id=None, decision=DECIDED
            )
            for n in range(1, 10)
        ]


def say(session: Session, message: int, what: str, who: int = ANN) -> int:
    """Label a message with an intent or a kind; the label's id."""
    kind, intent = (what, None) if what in labels.LABEL_KINDS else ("intent", what)
    given = {"kind": kind, "intent": intent, "staff_id": who, "holdout_share": 0.3}
    return labels.label_message(session, message, **given).id  # type: ignore[arg-type]


def make_faq(session: Session, message: int, answer: str = "Dig.") -> int:
    """A new entry from a message by Ann; the label's id."""
    seen = labels.newest_label(session, message)
    given: dict[str, Any] = {"question": "Tunnel broke?", "answer": answer, "staff_id": ANN, "holdout_share": 0.3}
    return label_with_new_faq(session, message, **given, seen=seen).id


def counting(session: Session) -> set[int]:
    """Ids of the labels that count."""
    return {label.id for label in labels.active_labels(session)}


def test_any_label_can_be_taken_back(database: Database, messages: list[int]) -> None:
    """Not only the newest; again changes nothing and says so."""
    with database.write() as session:
        ids = [say(session, message, "vpn") for message in messages]
        first = undoing.undo(session, ids[2], staff_id=ANN)
        again = undoing.undo(session, ids[2], staff_id=ANN)

        assert (first.already, again.already) == (False, True)
        assert again.label.undone_at == first.label.undone_at
        assert counting(session) == set(ids) - {ids[2]}


def test_what_somebody_said_since_stays(database: Database, messages: list[int]) -> None:
    """The error names what counts now; once that is taken back, the label below counts and can be taken back."""
    with database.write() as session:
        mine, other = say(session, messages[0], "vpn"), say(session, messages[0], "skip", BOB)
        assert counting(session) == {mine}
        other = say(session, messages[0], "wifi", BOB)
        newest = say(session, messages[0], "out_of_scope", BOB)
        with pytest.raises(LabelledSinceError, match="bob labelled this none of our FAQs since") as raised:
            undoing.undo(session, mine, staff_id=ANN)
        assert raised.value.by.id == newest
        assert counting(session) == {newest}
        for label in (newest, other):
            undoing.undo(session, label, staff_id=BOB)
        assert counting(session) == {mine}
        undoing.undo(session, mine, staff_id=ANN)
        assert counting(session) == set()


def test_only_ones_own_labels_and_only_those_that_are_not_left_out(database: Database, messages: list[int]) -> None:
    """An exclusion of the team lead is not undone by the way."""
    with database.write() as session:
        mine = say(session, messages[0], "vpn")
        for label, who in ((mine, BOB), (77, ANN)):
            with pytest.raises(NotFoundError, match=f"you have no label {label}"):
                undoing.undo(session, label, staff_id=who)
        exclusions.exclude(session, exclusions.Exclusion("annotator", "ann"), author="lead")
        with pytest.raises(ConflictError, match="left out"):
            undoing.undo(session, mine, staff_id=ANN)


def test_undoing_a_new_faq_unpublishes_it(database: Database, messages: list[int]) -> None:
    """And making it anew takes the draft up again, with what is typed then."""
    with database.write() as session:
        undone = undoing.undo(session, make_faq(session, messages[0]), staff_id=ANN)
        intent = faq.find_intent(session, "tunnel_broke")
        assert undone.unpublished
        assert intent.status == "draft"
        revision = faq.revision(session)
        make_faq(session, messages[0], "Dig deeper.")
        assert (intent.status, intent.answer) == ("published", "Dig deeper.")
        assert faq.revision(session) > revision


@pytest.mark.parametrize("use", ["label", "golden", "phrasing", "published by somebody else"])
def test_an_entry_that_is_used_stays_published(database: Database, messages: list[int], use: str) -> None:
    """By a label of anybody, by a promise, by a phrasing; nor is unpublished what a label did not publish."""
    with database.write() as session:
        label = make_faq(session, messages[0], "" if use.startswith("published") else "Dig.")
        if use == "label":
            say(session, messages[1], "tunnel_broke", BOB)
        elif use == "golden":
            golden.add(session, "my tunnel", intent="tunnel_broke", author="bob")
        else:
            phrasings = ("no way through",) if use == "phrasing" else ()
            entry = Entry("tunnel_broke", answer="Dig.", status="published", phrasings=phrasings)
            faq.store_entries(session, [entry], author="bob")
        undone = undoing.undo(session, label, staff_id=ANN)

        assert not undone.unpublished
        assert faq.find_intent(session, "tunnel_broke").status == "published"


def test_a_draft_of_somebody_else_is_not_taken_over(database: Database, messages: list[int]) -> None:
    """Who typed it may not be done."""
    with database.write() as session:
        faq.create_intent(session, "Tunnel broke?", answer="", author="bob")
        with pytest.raises(ConflictError, match="there is an intent"):
            make_faq(session, messages[0])


def test_the_list_of_ones_own_labels(database: Database, messages: list[int]) -> None:
    """Newest first, in pages, each with what became of it."""
    with database.write() as session:
        ids = [say(session, message, "vpn") for message in messages[:4]]
        say(session, messages[0], "wifi", BOB)
        undoing.undo(session, ids[1], staff_id=ANN)
        skip = say(session, messages[2], "skip")
    with database.read() as session:
        rows = undoing.own_labels(session, staff_id=ANN, limit=3)
        older = undoing.own_labels(session, staff_id=ANN, limit=3, before=rows[-1].label.id)

    assert [(row.label.id, row.undoable, row.idle) for row in (*rows, *older)] == [
        (skip, True, True),
        (ids[3], True, False),
        (ids[2], True, False),
        (ids[1], False, False),
        (ids[0], False, False),
    ]
    assert older[1].successor is not None
    assert older[1].successor.staff.name == "bob"
