"""What is learnt and what is held out stay apart, whatever door a text enters by."""

from typing import Any

import pytest
from rapidfuzz import fuzz

from helpdesk.learning.data.dataset import Dataset, read_dataset, shipped_out_of_scope
from helpdesk.near_duplicates import near_any
from helpdesk.records import conversations, faq, labels, staff
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.text import normalise

HELD_OUT = "the tunnel from my kitchen is dead"
NEAR = "from my kitchens the tunnel was dead"  # near enough, and not by much
DECISION: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.0, "out_of_scope": 0.0, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip


@pytest.fixture
def filled(database: Database) -> Database:
    """Two entries, and a label that is held out."""
    entries = [
        Entry(slug, question=f"{slug}?", answer="So.", phrasings=(f"{slug} broken",)) for slug in ("vpn", "wifi")
    ]
    with database.write() as session:
        faq.store_entries(session, entries, author="test")
        staff.add_staff(session, "ann", password="correct horse")
    label(database, HELD_OUT, "vpn", holdout_share=1.0)
    return database


def label(database: Database, text: str, intent: str | None, *, holdout_share: float) -> None:
    """A message that staff labelled; None for none of the FAQs."""
    with database.write() as session:
        message = conversations.log_message(
            session, text, channel="rest", sender="u", external_id=None, decision=DECISION
        )
        kind = "intent" if intent else "out_of_scope"
        labels.label_message(session, message, kind=kind, intent=intent, staff_id=1, holdout_share=holdout_share)


def read(database: Database) -> Dataset:
    """What tonight learns from."""
    with database.read() as session:
        return read_dataset(session)


def learnt(dataset: Dataset) -> list[str]:
    """Every text of the FAQ and of labels that is indexed, trained on or known to be none of the FAQs."""
    return [*dataset.texts, *dataset.out_of_scope]


def test_the_copy_of_these_tests_is_only_just_near() -> None:
    """A stricter definition anywhere would miss it."""
    assert 85 <= fuzz.token_sort_ratio(HELD_OUT, NEAR) < 90


@pytest.mark.parametrize("intent", ["vpn", "wifi", None])
def test_a_label_near_a_held_out_one_is_not_learnt(filled: Database, intent: str | None) -> None:
    """Whatever it says, and although labels of other texts would all train."""
    label(filled, NEAR, intent, holdout_share=0.0)
    dataset = read(filled)

    assert HELD_OUT in [row.text for row in dataset.holdout]
    assert not near_any(learnt(dataset), [HELD_OUT]).any()


@pytest.mark.parametrize("slug", ["vpn", "wifi"])
def test_a_phrasing_near_a_held_out_label_ends_its_being_held_out(filled: Database, slug: str) -> None:
    """FAQ phrasings always train, so the label measures no more; without the phrasing it does again."""
    with filled.write() as session:
        faq.store_entries(session, [Entry(slug, phrasings=(NEAR,))], author="test")
    assert NEAR in read(filled).texts
    assert read(filled).holdout == ()

    with filled.write() as session:
        faq.set_status(session, slug, status="draft", author="test")
        faq.store_entries(session, [Entry("third", phrasings=("something else",), answer="So.")], author="test")
    assert [row.text for row in read(filled).holdout] == ([HELD_OUT] if slug == "wifi" else [])


def test_a_shipped_message_near_a_held_out_label_is_not_learnt(filled: Database) -> None:
    """Shipped messages are out of scope for any helpdesk, but this one is measured on."""
    shipped = max((normalise(text) for text in shipped_out_of_scope()), key=len)
    label(filled, f"{shipped} x", None, holdout_share=1.0)
    dataset = read(filled)

    assert [row.text for row in dataset.holdout] == [HELD_OUT, f"{shipped} x"]
    assert shipped not in dataset.out_of_scope
