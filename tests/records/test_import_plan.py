"""What an import would change is told before, and it is what storing it changes."""

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from helpdesk.errors import ConflictError
from helpdesk.records import faq
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry, Stored
from helpdesk.records.files.faq_export import export_faq
from helpdesk.records.files.faq_files import NamedFile, read_faq_files
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.import_plan import FieldChange, ImportPlan, expected, make_plan, store_plan
from helpdesk.records.import_report import report_groups, report_lines
from helpdesk.records.shared_texts import shared_texts
from helpdesk.settings import load_settings
from helpdesk.text import normalise, slugify

HEAD = "intent,question,answer,phrasing\n"
AWKWARD = ("wifi down", "=1+1", "'x'", "\x0b y")
STORED = [
    Entry("vpn", question="No VPN?", answer="Restart it.", phrasings=("vpn down", "tunnel dead"), tags=("a, b",)),
    Entry(
        "wifi", question="No Wi-Fi?", answer='Say "on",\r\nthen wait.', phrasings=("wifi down", "=1+1", "'x'", "\x0b y")
    ),
    Entry("badge", question="Lost badge?", status="draft", locale="de"),
]


@pytest.fixture
def any_records(empty_home: Path, tmp_path: Path) -> Iterator[Database]:
    """The same entries on SQLite, for what is tried many times."""
    shutil.copytree(empty_home, tmp_path, dirs_exist_ok=True)
    opened = open_database(load_settings(home=tmp_path))
    with opened.write() as session:
        faq.store_entries(session, STORED, author="test")
    yield opened
    opened.close()


@pytest.fixture
def records(database: Database) -> Database:
    """Three entries."""
    with database.write() as session:
        faq.store_entries(session, STORED, author="test")
    return database


def read(text: str | bytes, name: str = "faq.csv") -> FaqFile:
    """A file."""
    return read_faq_files([NamedFile(name, text.encode() if isinstance(text, str) else text)])


def plan(records: Database, text: str, *, replaces: bool = False, renames: tuple[str, ...] | None = None) -> ImportPlan:
    """What importing a text would change."""
    with records.read() as session:
        return make_plan(session, read(text), replaces=replaces, renames=renames)


def store(records: Database, made: ImportPlan) -> Stored:
    """Store a plan."""
    with records.write() as session:
        return store_plan(session, made, author="ann")


def state(records: Database) -> dict[str, tuple[str, str, str, list[str]]]:
    """Question, answer, status and phrasings of each entry."""
    with records.read() as session:
        found = faq.list_intents(session)
        return {i.slug: (i.question, i.answer, i.status, [p.text for p in i.phrasings]) for i in found}


def groups(made: ImportPlan) -> dict[str, list[str]]:
    """The texts of the report, by outcome."""
    return {group.key: [row.text for row in group.rows] for group in report_groups(made)}


def test_every_row_has_an_outcome(records: Database) -> None:
    """And the plan is what storing it does."""
    text = (
        f"{HEAD}VPN,No VPN?,Reboot it.,tunnel dead\nvpn,,,all is dead\nvpn,,,ALL is dead!\n"
        'wifi,No Wi-Fi?,"Say ""on"",\nthen wait.",wifi down\n'
        "phone,No phone?,So.,wifi down\nbad,??,So.,\nphone,,So.,wifi down\n"
    )
    made = plan(records, text)

    assert groups(made) == {
        "bad": ["question '??' has no letters or digits"],
        "changed": ["No VPN?"],
        "new": ["No phone?"],
        "phrasings": ["all is dead"],
        "dropped": ["vpn down", "=1+1", "'x'", "\x0b y"],
        "same": ["ALL is dead!", "wifi down"],
        "shared": ['"wifi down" is a phrasing of wifi and phone: it is asked which one is meant'],
        "unchanged": ["No Wi-Fi?"],
    }
    assert made.entries[0].changes == (FieldChange("answer", "Restart it.", "Reboot it."),)
    assert made.absent == 1
    before = state(records)
    with records.write() as session:
        entries = [planned.entry for planned in made.entries]
        assert faq.store_entries(session, entries, author="x") == expected(made)
        session.rollback()
    assert store(records, made) == Stored(1, 3, 2, 4, 1, 0, ("vpn",))
    assert state(records) == before | {
        "vpn": ("No VPN?", "Reboot it.", "published", [*before["vpn"][3], "all is dead"]),
        "phone": ("No phone?", "So.", "published", ["wifi down", "No phone?"]),
    }
    assert not plan(records, text).changes_anything


def test_dropped_phrasings_are_removed_when_asked(records: Database) -> None:
    """Only those of entries that the file has; a file without phrasings drops none; the question stays."""
    made = plan(records, f"{HEAD}vpn,,,vpn down\n", replaces=True)
    store(records, made)

    assert state(records)["vpn"][3] == ["vpn down", "No VPN?"]
    assert len(state(records)["wifi"][3]) == 5
    assert "They are removed." in "\n".join(report_lines(made))
    assert not plan(records, "question,answer\nNo VPN?,Restart it.\n", replaces=True).changes_anything


def test_the_same_question_under_another_name_is_offered_as_a_rename(records: Database) -> None:
    """Accepted, everything is carried along; not accepted, the entry is left out."""
    text = f"{HEAD}Remote Access,no vpn,,vpn down\n"
    refused, accepted = plan(records, text, renames=()), plan(records, text, renames=("remote_access",))

    assert [(clash.slug, clash.other, clash.renames) for clash in refused.clashes] == [("remote_access", "vpn", True)]
    assert not refused.changes_anything
    assert groups(accepted)["renamed"] == ["no vpn"]
    store(records, accepted)
    assert state(records)["remote_access"] == (
        "no vpn",
        "Restart it.",
        "published",
        ["vpn down", "tunnel dead", "No VPN?"],
    )
    assert "vpn" not in state(records)
    assert not plan(records, text).changes_anything


def test_two_entries_never_ask_the_same_question(records: Database) -> None:
    """In one file, by a change, or by another name of the same entry: shown and left out."""
    text = (
        f"{HEAD}vpn,Lost badge?,,\nfirst,Same?,So.,\nsecond,same,Thus.,\ntunnel,No Wi-Fi?,So.,\nwifi,,,wifi is down\n"
    )
    made = plan(records, text)

    assert [(clash.slug, clash.other, clash.renames) for clash in made.clashes] == [
        ("vpn", "badge", False),
        ("second", "first", False),
        ("tunnel", "wifi", False),
    ]
    assert [planned.entry.slug for planned in made.entries] == ["first", "wifi"]


def test_a_file_that_names_no_entries_finds_them_by_their_question(records: Database) -> None:
    """A table of two columns updates what is there."""
    made = plan(records, "Frage;Antwort\nNO VPN;Call us.\nNew one?;So.\n")
    store(records, made)

    assert state(records)["vpn"][:2] == ("NO VPN", "Call us.")
    assert "new_one" in state(records)


def test_nothing_is_stored_when_the_faq_changed_meanwhile(records: Database) -> None:
    """The plan is of another FAQ."""
    made = plan(records, f"{HEAD}vpn,,Call us.,\n")
    with records.write() as session:
        faq.set_status(session, "wifi", status="draft", author="bob")
    before = state(records)

    with pytest.raises(ConflictError, match="was changed since"):
        store(records, made)
    assert state(records) == before


@pytest.mark.parametrize("form", ["csv", "json", "xlsx"])
@pytest.mark.parametrize("mark", [False, True])
def test_what_was_exported_changes_nothing(records: Database, form: str, mark: bool) -> None:
    """Awkward texts included: formulas, quotes, line ends, control characters."""
    with records.read() as session:
        found = read(export_faq(faq.list_intents(session), form, mark=mark), f"faq.{form}")
        made = make_plan(session, found, replaces=True)
        revision = faq.revision(session)

    assert (found.bad_rows, found.ignored) == ([], ())
    assert list(groups(made)) == ["unchanged"]
    assert not made.changes_anything
    store(records, made)
    with records.read() as session:
        assert faq.revision(session) == revision


def test_the_plan_asks_the_database_a_fixed_number_of_questions(records: Database) -> None:
    """However long the file is."""
    asked: list[str] = []

    def note(connection: object, cursor: object, statement: str, *more: object) -> None:
        asked.append(statement)

    event.listen(records.engine, "before_cursor_execute", note)
    plan(records, f"{HEAD}vpn,,,more\n")
    few = len(asked)
    plan(records, HEAD + "".join(f"vpn,,,more {n}\nnew_{n},Question {n}?,So.,\n" for n in range(50)))

    assert len(asked) == 2 * few
    assert few < 10


NAMES = st.sampled_from(["vpn", "VPN", "wifi", "badge", "new", "other"])
TEXTS = st.sampled_from(["No VPN?", "no vpn", "No Wi-Fi?", "vpn down", "wifi down", "Something else", "Lost badge?"])
ENTRIES = st.builds(
    Entry,
    NAMES.map(slugify),
    question=st.none() | TEXTS,
    answer=st.none() | st.sampled_from(["Restart it.", "New."]),
    status=st.none() | st.sampled_from(["draft", "published"]),
    phrasings=st.lists(TEXTS, max_size=3).map(tuple),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ENTRIES, max_size=5, unique_by=lambda entry: entry.slug), st.booleans(), st.booleans(), st.booleans())
def test_what_is_stored_is_what_was_planned(
    any_records: Database, entries: list[Entry], named: bool, replaces: bool, rename: bool
) -> None:
    """Whatever is in the file: numbers, shared texts, no question twice, and nothing to do the second time.

    Without names, an entry that was left out may be free once the question that it met has changed.
    """
    found = FaqFile(entries, [], named=named)
    with any_records.read() as session:
        made = make_plan(session, found, replaces=replaces, renames=None if rename else ())
        questions = Counter(normalise(intent.question) for intent in faq.list_intents(session))
        assert store_plan(session, made, author="ann") == expected(made)
        session.flush()
        session.expire_all()
        after = Counter(normalise(intent.question) for intent in faq.list_intents(session))
        assert sorted(map(str, shared_texts(session, [planned.entry.slug for planned in made.entries]))) == sorted(
            map(str, made.shared)
        )
        again = make_plan(session, found, replaces=replaces, renames=None if rename else ())
        session.rollback()

    assert all(count <= max(1, questions[question]) for question, count in after.items())
    assert (made.clashes and not named) or not again.changes_anything
