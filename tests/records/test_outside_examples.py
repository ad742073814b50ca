"""Intents of a file that are none of the FAQ by their name: they teach what is not answered."""

import pytest
from sqlalchemy.orm import Session

from helpdesk.learning.data.dataset import read_dataset
from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.examples import NewExample, store_examples
from helpdesk.records.faq import Entry, Stored
from helpdesk.records.files.faq_files import NamedFile, read_faq_files
from helpdesk.records.import_plan import ImportPlan, make_plan, store_plan
from helpdesk.records.import_report import report_groups
from helpdesk.records.outside_examples import OUTSIDE_NAMES

TABLE = "text,intent\nwhat is the weather,{name}\ntell me a joke,{name}\nvpn how,vpn\nopen the vpn,vpn\nwlan,wifi\n"


def plan(session: Session, name: str, *, outside: bool = True) -> ImportPlan:
    """What importing the table would do."""
    found = read_faq_files([NamedFile("set.csv", TABLE.format(name=name).encode())])
    return make_plan(session, found, outside=outside)


def store(database: Database, name: str, *, outside: bool = True) -> Stored:
    """Import the table."""
    with database.write() as session:
        return store_plan(session, plan(session, name, outside=outside), author="ann")


@pytest.mark.parametrize(
    "name", ["out_of_scope", "OOS", "out-of-scope", "Chitchat", "fallback", "nlu_fallback", "none"]
)
def test_an_intent_of_such_a_name_becomes_no_entry(database: Database, name: str) -> None:
    """Its texts are learnt as out of scope, and told before anything is written."""
    with database.read() as session:
        told = {group.key: [row.slug for row in group.rows] for group in report_groups(plan(session, name))}
    stored = store(database, name)

    assert len(told["outside"]) == 1
    assert told["outside"][0] in OUTSIDE_NAMES
    assert told["new"] == ["vpn", "wifi"]
    assert "2 new out-of-scope examples" in stored.sentence()
    with database.read() as session:
        dataset = read_dataset(session)
        assert [intent.slug for intent in faq.list_intents(session)] == ["vpn", "wifi"]
        assert not plan(session, name).changes_anything
    assert {"what is the weather", "tell me a joke"} <= set(dataset.out_of_scope)
    assert dataset.taught == 0
    assert not dataset.examples


def test_whoever_wants_them_as_entries_gets_them(database: Database) -> None:
    """And an entry that the FAQ has under such a name stays one."""
    store(database, "chitchat", outside=False)
    again = store(database, "chitchat")

    with database.read() as session:
        assert [intent.slug for intent in faq.list_intents(session)] == ["chitchat", "vpn", "wifi"]
        assert "tell me a joke" not in read_dataset(session).out_of_scope
    assert (again.intents_seen, again.outside) == (3, 0)


def test_a_message_that_nobody_had_labelled_is_known_now(database: Database) -> None:
    """It was there without a meaning."""
    with database.write() as session:
        store_examples(session, "unlabelled", [NewExample("unlabelled", ("tell me a joke",))], source="log", author="a")
        faq.store_entries(session, [Entry("post", phrasings=("mail",))], author="test")
    store(database, "oos")

    with database.read() as session:
        assert "tell me a joke" in read_dataset(session).out_of_scope
