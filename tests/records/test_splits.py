"""Near-duplicates are found before anybody waits, and only what came since is looked at while others wait."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import event

from helpdesk.near_duplicates import near_duplicates
from helpdesk.records import conversations, faq, labels, splits, staff
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry

DECISION: dict[str, Any] = {
    "version_id": None, "kind": "fallback", "intent": None, "confidence": 0.0, "out_of_scope": 0.0, "reason": "unsure",
    "ranking": [], "options": [], "thresholds": {},
}  # fmt: skip
WORDS = ["printer", "tunnel", "door", "opens", "is", "broken", "again", "the", "floor", "nine", "five", "my"]


@pytest.fixture
def labeller(database: Database) -> int:
    """The id of someone who labels, with one FAQ entry to choose."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", question="VPN?", answer="So.")], author="test")
        return staff.add_staff(session, "ann", password="correct horse").id


def say(database: Database, text: str) -> int:
    """A message that waits; its id."""
    with database.write() as session:
        return conversations.log_message(session, text, channel="rest", sender="u", external_id=None, decision=DECISION)


def label(database: Database, message: int, labeller: int, **more: Any) -> tuple[str, str]:
    """Label a message; its group and its split."""
    options: dict[str, Any] = {"kind": "intent", "intent": "vpn", "holdout_share": 0.5} | more
    with database.write() as session:
        found = labels.label_message(session, message, staff_id=labeller, **options)
        return found.group_key, found.split


def grow(database: Database, chance: Random, labeller: int) -> None:
    """Another label or another phrasing, by chance like one before."""
    text = " ".join(chance.sample(WORDS, 5)) + chance.choice(["", "s", " x"])
    if chance.random() < 0.5:
        label(database, say(database, text), labeller)
    else:
        with database.write() as session:
            faq.store_entries(session, [Entry("vpn", phrasings=(text,))], author="test")


@pytest.mark.parametrize("seed", range(3))
def test_what_was_read_before_and_what_came_since_are_everything(database: Database, labeller: int, seed: int) -> None:
    """The same near-duplicates as a scan of all texts, wherever the reading falls."""
    chance = Random(seed)
    texts = [" ".join(chance.sample(WORDS, 5)) for _ in range(8)]
    for _ in range(15):
        grow(database, chance, labeller)
    with database.read() as session:
        known = [splits.find_neighbours(session, text) for text in texts]
    for _ in range(15):
        grow(database, chance, labeller)
    with database.read() as session:
        stored = labels.active_labels(session)
        phrasings = [phrasing.normalised for entry in faq.list_intents(session) for phrasing in entry.phrasings]
        for text, before in zip(texts, known, strict=True):
            found = splits.add_newer(session, before)
            near = near_duplicates(text, [row.normalised for row in stored])
            assert found.groups == tuple((stored[n].group_key, stored[n].split) for n in near)
            assert found.phrasing == bool(near_duplicates(text, phrasings))


def test_a_near_duplicate_that_comes_after_the_reading_is_seen(database: Database, labeller: int) -> None:
    """Somebody else labelled it, or added it as a phrasing, between reading and labelling."""
    one, other = say(database, "the coffee machine is leaking water"), say(database, "badge does not open the door")
    with database.read() as session:
        known = [labels.read_neighbours(session, message) for message in (one, other)]
    group, split = label(database, say(database, "the coffee machine is leaking waters"), labeller, holdout_share=1.0)
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", phrasings=("badge does not open a door",))], author="test")

    assert label(database, one, labeller, holdout_share=0.0, known=known[0]) == (group, split) == (group, "holdout")
    assert label(database, other, labeller, holdout_share=1.0, known=known[1])[1] == "train"


def test_what_is_known_of_another_text_is_not_believed(database: Database, labeller: int) -> None:
    """Only near-duplicates of this text count."""
    label(database, say(database, "the coffee machine is leaking water"), labeller, holdout_share=1.0)
    with database.read() as session:
        wrong = labels.read_neighbours(session, say(database, "badge does not open the door"))

    near = say(database, "the coffee machine is leaking waters")
    assert label(database, near, labeller, holdout_share=0.0, known=wrong)[1] == "holdout"


def test_no_stored_text_is_read_again_while_others_wait(database: Database, labeller: int) -> None:
    """The statements that look for texts ask for newer rows alone."""
    for _ in range(3):
        grow(database, Random(5), labeller)
    message = say(database, "the coffee machine is leaking water")
    with database.read() as session:
        known = labels.read_neighbours(session, message)
        assert known is not None
    asked: list[Any] = []

    @event.listens_for(database.engine, "before_cursor_execute")
    def _note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if "length(" in statement:
            asked.append((statement, parameters))

    label(database, message, labeller, known=known)
    assert len(asked) == 2
    for statement, parameters in asked:
        newest = known.last_label if "FROM labels" in statement else known.last_phrasing
        values = parameters.values() if isinstance(parameters, dict) else parameters
        assert newest in values
        assert ".id > " in statement
