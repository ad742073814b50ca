"""Every kind of training row comes in whole or not at all, says where it came from, and goes out as it was."""

from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from helpdesk.errors import BadInputError, BadRowsError, NotFoundError
from helpdesk.records import examples
from helpdesk.records.database import Database
from helpdesk.records.files.example_files import LABELLED, read_examples, recognise, write_examples
from helpdesk.records.tables import Example
from helpdesk.settings import resource

GOOD = {
    "positive": "text_a,text_b\nvpn is down,the tunnel is dead\n'=1+1,one and one\n",
    "scored": "text_a,text_b,similarity\nvpn is down,the tunnel is dead,0.85\nvpn is down,paper jam,0\n",
    "similar": "text_a,text_b,similar\nvpn is down,the tunnel is dead,1\nvpn is down,paper jam,0\n",
    "triplet": 'anchor,positive,negative\nvpn is down,"dead, the tunnel",paper jam\n',
    "unlabelled": "text\nmy screen went dark\n''quoted'\n",
}


def write(tmp_path: Path, text: str) -> Path:
    """A file with this text."""
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return path


def store(database: Database, path: Path, *, source: str = "rows.csv") -> examples.StoredExamples:
    """Import a file without fault."""
    found = read_examples(path, recognise(path))
    found.require_good()
    with database.write() as session:
        return examples.store_examples(session, found.kind, found.rows, source=source, author="ann")


@pytest.mark.parametrize("kind", GOOD)
def test_each_kind_is_known_by_its_columns_and_comes_back_as_it_went_in(
    database: Database, tmp_path: Path, kind: str
) -> None:
    """Import, export: the same file, awkward cells included."""
    path = write(tmp_path, GOOD[kind])
    stored = store(database, path)
    with database.read() as session:
        written = write_examples(kind, examples.list_examples(session, kind))

    assert recognise(path) == kind
    assert stored.new == GOOD[kind].count("\n") - 1
    assert written == GOOD[kind]


@pytest.mark.parametrize("kind", GOOD)
def test_importing_again_changes_nothing(database: Database, tmp_path: Path, kind: str) -> None:
    """Neither the rows nor where they came from."""
    store(database, write(tmp_path, GOOD[kind]))
    again = store(database, write(tmp_path, GOOD[kind]), source="elsewhere.csv")
    with database.read() as session:
        counts = examples.count_examples(session)

    assert (again.new, again.changed, again.known) == (0, 0, GOOD[kind].count("\n") - 1)
    assert [(count.kind, count.source, count.author) for count in counts] == [(kind, "rows.csv", "ann")]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("pairs_positive.csv", "positive"),
        ("pairs_scored.csv", "scored"),
        ("pairs_labelled.csv", "similar"),
        ("triplets.csv", "triplet"),
        ("unlabelled.csv", "unlabelled"),
        ("evaluation.csv", LABELLED),
        ("faq.csv", LABELLED),
    ],
)
def test_the_shipped_files_are_recognised(name: str, kind: str) -> None:
    """All rows of them are good."""
    path = resource("training_data") / name

    assert recognise(path) == kind
    if kind != LABELLED:
        assert read_examples(path, kind).bad_rows == []


BAD = {
    "positive": ("same,SAME!\nonly one\na,b,c\nx,???\n", ["the same text", "text_b missing", "too many", "no letters"]),
    "scored": (
        "a,b,1.5\na,b,nan\na,b,much\na,b,\nb,a,0.5\na,b,0.6\n",
        ["'1.5'", "'nan'", "'much'", "''", "0.6 differs from 0.5 for the same texts on line 6"],
    ),
    "similar": ("a,b,0.5\na,b,yes\nb,a,1\na,b,0\n", ["expected 0 or 1", "'yes'", "0 differs from 1"]),
    "triplet": ("a,b,B\na,,c\na,b,a\n", ["positive and negative are the same", "no letters", "anchor and negative"]),
    "unlabelled": (f"{'x' * 2001}\n???\nnul\x00\n", ["2001 characters", "no letters", "NUL"]),
}


@pytest.mark.parametrize("kind", BAD)
def test_every_bad_row_is_reported_with_line_and_reason(tmp_path: Path, kind: str) -> None:
    """All faults in one reading; good rows beside them are kept apart."""
    rows, reasons = BAD[kind]
    found = read_examples(write(tmp_path, GOOD[kind].splitlines()[0] + "\n" + rows), kind)

    assert len(found.bad_rows) == len(reasons)
    for (line, said), reason in zip(found.bad_rows, reasons, strict=True):
        assert line >= 2
        assert reason in said
    with pytest.raises(BadRowsError, match="nothing was written"):
        found.require_good()


def test_a_line_of_a_bad_row_is_where_it_ends(tmp_path: Path) -> None:
    """A quoted cell over several lines does not shift the count."""
    found = read_examples(write(tmp_path, 'text_a,text_b\n"one\ntwo",three\n???,x\n'), "positive")

    assert [line for line, _ in found.bad_rows] == [4]


@pytest.mark.parametrize("columns", ["a,b", "text,note", "text_a,text_b,label", ""])
def test_columns_that_say_nothing_are_refused(tmp_path: Path, columns: str) -> None:
    """A column that is not understood is never dropped: it might be the label."""
    with pytest.raises(BadInputError, match="anchor,positive,negative"):
        recognise(write(tmp_path, f"{columns}\n1,2\n"))


def test_a_new_value_replaces_the_old_one(database: Database, tmp_path: Path) -> None:
    """A pair is the same either way round; the row then tells who changed it."""
    store(database, write(tmp_path, GOOD["scored"]))
    changed = store(
        database, write(tmp_path, "text_a,text_b,similarity\nThe tunnel is dead!,vpn is down,0.7\n"), source="new.csv"
    )
    with database.read() as session:
        rows = {row.value: row.source for row in examples.list_examples(session, "scored")}

    assert (changed.new, changed.changed) == (0, 1)
    assert rows == {0.7: "new.csv", 0.0: "rows.csv"}


def test_the_newest_rows_of_a_kind_come_oldest_first(database: Database, tmp_path: Path) -> None:
    """A night learns from so many."""
    store(database, write(tmp_path, "text\none\ntwo\nthree\n"))
    with database.read() as session:
        assert [row.first for row in examples.list_examples(session, "unlabelled", newest=2)] == ["two", "three"]


def test_a_source_can_be_forgotten(database: Database, tmp_path: Path) -> None:
    """All of its rows and no others; an unknown one is named."""
    store(database, write(tmp_path, GOOD["triplet"]), source="bad.csv")
    store(database, write(tmp_path, GOOD["positive"]))
    with database.write() as session:
        assert examples.remove_examples(session, "bad.csv") == 1
        assert len(examples.list_examples(session, "positive")) == 2
        with pytest.raises(NotFoundError, match=r"no examples from 'bad\.csv'"):
            examples.remove_examples(session, "bad.csv")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "positive"},
        {"kind": "unlabelled", "second": "b"},
        {"kind": "triplet", "second": "b"},
        {"kind": "scored", "second": "b"},
        {"kind": "scored", "second": "b", "value": 1.5},
        {"kind": "similar", "second": "b", "value": 0.5},
        {"kind": "story"},
    ],
)
def test_the_database_refuses_rows_that_make_no_sense(database: Database, wrong: dict[str, object]) -> None:
    """Whoever writes them."""
    row = {"text_key": "k", "first": "a", "second": None, "third": None, "value": None, "source": "s", "author": "a"}
    with pytest.raises(IntegrityError), database.write() as session:
        session.execute(insert(Example), [row | wrong])
