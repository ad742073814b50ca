"""What an import would change is told before, and it is what storing it changes."""

import pytest

from helpdesk.errors import ConflictError
from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry, Stored
from helpdesk.records.files.faq_export import export_faq
from helpdesk.records.files.faq_files import NamedFile, read_faq_files
from helpdesk.records.files.faq_rows import FaqFile
from helpdesk.records.import_plan import FieldChange, ImportPlan, expected, make_plan, store_plan
from helpdesk.records.import_report import report_groups, report_lines

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
        "phone,No phone?,So.,wifi down\nbad,??,So.,\n"
    )
    made = plan(records, text)

    assert groups(made) == {
        "bad": ["question '??' has no letters or digits"],
        "changed": ["No VPN?"],
        "new": ["No phone?"],
        "phrasings": ["all is dead"],
        "dropped": ["vpn down", "=1+1", "'x'", "\x0b y"],
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
    assert store(records, made) == Stored(1, 3, 2, 3, 1, 0, ("vpn",))
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
