"""FAQ files come in whole or not at all, and go out so that they can come back."""

import json
from pathlib import Path

import pytest

from helpdesk.errors import BadInputError, BadRowsError
from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.records.files import faq_files as exchange
from helpdesk.records.files.faq_export import write_csv, write_json

HEADER = "intent,question,answer,phrasing,locale,tags\n"
AWKWARD = Entry(
    "vpn_connect",
    question="How do I connect?",
    answer='Open the "VPN" app,\nthen log in.',
    locale="de",
    tags=("net", "remote"),
    phrasings=("=1+1 in the vpn", "it's down", "'quoted'", "a,b;c", "  VPN?? "),
    status="draft",
)


def write(tmp_path: Path, text: str, name: str = "faq.csv") -> Path:
    """A file with this text."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "writer"), [("faq.csv", write_csv), ("faq.json", write_json)])
def test_what_is_exported_imports_as_it_was(database: Database, tmp_path: Path, name: str, writer: object) -> None:
    """Export, import into an empty database, export again: the same text, awkward cells included."""
    with database.write() as session:
        faq.store_entries(session, [AWKWARD], author="test")
    with database.read() as session:
        first = writer(faq.list_intents(session))  # type: ignore[operator]
    found = exchange.read_faq(write(tmp_path, first, name))
    with database.write() as session:
        session.delete(faq.find_intent(session, "vpn_connect"))
        session.flush()
        faq.store_entries(session, found.entries, author="test")
    with database.read() as session:
        assert writer(faq.list_intents(session)) == first  # type: ignore[operator]
    assert found.bad_rows == []


def test_a_spreadsheet_cannot_run_an_exported_cell(database: Database) -> None:
    """Cells that begin like a formula are escaped."""
    with database.write() as session:
        faq.store_entries(session, [AWKWARD], author="test")
        exported = write_csv(faq.list_intents(session))

    assert ",'=1+1 in the vpn," in exported


def test_every_bad_row_is_reported_with_line_and_reason(tmp_path: Path) -> None:
    """All faults are found in one reading."""
    path = write(
        tmp_path,
        HEADER
        + "vpn,How?,So.,connect,en,\n"
        + ",How?,So.,no intent,en,\n"
        + "vpn,How?,So.,???,en,\n"
        + "vpn,Why?,So.,other question,en,\n"
        + "vpn,How?,So.,too,many,cells,here\n"
        + f"vpn,How?,So.,{'x' * 2001},en,\n",
    )

    found = exchange.read_faq(path)

    assert [line for line, _ in found.bad_rows] == [3, 4, 5, 6, 7]
    reasons = " | ".join(reason for _, reason in found.bad_rows)
    for word in (
        "intent is empty",
        "no letters",
        "differs from an earlier row",
        "cell(s) too many",
        "2001 characters",
    ):
        assert word in reasons
    with pytest.raises(BadRowsError, match="line 4"):
        found.require_good()


def test_a_quoted_cell_over_several_lines_does_not_shift_line_numbers(tmp_path: Path) -> None:
    """The reported line is where the row ends in the file."""
    path = write(tmp_path, HEADER + 'vpn,How?,"one\ntwo\nthree",connect,en,\n,How?,So.,x,en,\n')

    assert [line for line, _ in exchange.read_faq(path).bad_rows] == [5]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("faq.csv", "intent,b\n1,2\n", r"columns \['intent', 'b'\] found; expected intent"),
        (
            "faq.csv",
            "How?,So.\nWhy?,Thus.\n",
            "the first row, “How\\?”, “So.”, names no column; put a row with the names above",
        ),
        ("faq.csv", "", "the file is empty"),
        ("faq.json", "{", "not JSON"),
        ("faq.json", '{"intent": "x"}', "a dict found; expected a list"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    """The message says what was found and what was expected."""
    with pytest.raises(BadInputError, match=message):
        exchange.read_faq(write(tmp_path, text, name))


def test_bad_json_entries_are_reported_by_number(tmp_path: Path) -> None:
    """Wrong types inside an entry do not hide the other entries."""
    items = [{"intent": "ok", "phrasings": ["fine"]}, 7, {"intent": 3}, {"intent": "x", "phrasings": "no"}]
    items += [{"intent": "y", "tags": [1]}, {"intent": "z", "phrasings": [None]}]

    found = exchange.read_faq(write(tmp_path, json.dumps(items), "faq.json"))

    assert sorted({line for line, _ in found.bad_rows}) == [2, 3, 4, 5, 6]
    assert "ok" in [entry.slug for entry in found.entries]


@pytest.mark.parametrize("label", ["intent", "category"])
def test_bare_labelled_rows_load_as_they_are(database: Database, tmp_path: Path, label: str) -> None:
    """`text,intent` and `text,category` need no question and no answer."""
    found = exchange.read_faq(write(tmp_path, f"text,{label}\nwhere is my card,card_arrival\nlost it,lost_card\n"))
    with database.write() as session:
        stored = faq.store_entries(session, found.entries, author="test")

    assert (stored.intents_new, stored.phrasings_new, stored.questions_new) == (2, 2, 2)
    with database.read() as session:
        assert faq.find_intent(session, "card_arrival").question == "card arrival"


def test_names_that_differ_in_form_are_one_entry(database: Database, tmp_path: Path) -> None:
    """In one file, in the next one, and beside an entry that an earlier version stored as it was written."""
    rows = "text,intent\nforgot it,Reset Password\nnew one please,reset_password\nパスワードを忘れた,パスワード\n"
    with database.write() as session:
        faq.store_entries(session, [Entry("Lost-Card", answer="Call us.")], author="test")
        for text in (rows, rows.replace("Reset", "RESET"), "text,intent\nit is gone,lost card\n"):
            faq.store_entries(session, exchange.read_faq(write(tmp_path, text)).entries, author="test")
        intents = faq.list_intents(session)

        assert [(intent.slug, intent.question) for intent in intents] == [
            ("Lost-Card", "Lost Card"),
            ("reset_password", "Reset Password"),
            ("パスワード", "パスワード"),
        ]
        assert [len(intent.phrasings) for intent in intents] == [2, 3, 2]
        assert faq.find_intent(session, "LOST CARD").slug == "Lost-Card"


@pytest.mark.parametrize("name", ["reset_password", "RESET  password"])
def test_one_entry_with_two_answers_is_a_conflict(tmp_path: Path, name: str) -> None:
    """Whatever the form of its name; the line is reported."""
    text = f"{HEADER}Reset Password,How?,Press it.,a,,\n{name},How?,Turn it.,b,,\n"

    assert exchange.read_faq(write(tmp_path, text)).bad_rows == [
        (3, "answer 'Turn it.' differs from an earlier row of intent 'Reset Password'")
    ]


def test_an_import_says_which_answers_it_replaced(database: Database) -> None:
    """Those that were written for the first time are none."""
    with database.write() as session:
        faq.store_entries(session, [Entry("vpn", answer="Old."), Entry("wifi"), Entry("gym", answer="So.")], author="a")
        again = [Entry("VPN", answer="New."), Entry("wifi", answer="New."), Entry("gym", answer="So. ")]

        assert faq.store_entries(session, again, author="a").replaced == ("vpn",)


def test_a_key_that_stands_twice_is_no_entry(tmp_path: Path) -> None:
    """One of the two would be lost: in a list, and in a line of JSON Lines."""
    (tmp_path / "faq.json").write_text('[{"question": "How?", "question": "Why?", "answer": "So."}]')
    (tmp_path / "faq.jsonl").write_text('{"question": "How?", "question": "Why?", "answer": "So."}\n')

    with pytest.raises(BadInputError, match="the key 'question' stands twice"):
        exchange.read_faq(tmp_path / "faq.json")
    assert "the key 'question' stands twice" in str(exchange.read_faq(tmp_path / "faq.jsonl").bad_rows)


def test_a_file_has_no_longer_answer_than_a_form(tmp_path: Path) -> None:
    """Its row is named."""
    (tmp_path / "faq.json").write_text(f'[{{"question": "How?", "answer": "{"x" * 20_001}"}}]')

    assert "answer has 20,001 characters; expected at most 20,000" in str(
        exchange.read_faq(tmp_path / "faq.json").bad_rows
    )
