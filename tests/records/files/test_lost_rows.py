"""Nothing of a file is lost in silence: what is left out is named and counted, and refused without --skip-bad."""

import json
from pathlib import Path

import pytest

from helpdesk.errors import BadInputError
from helpdesk.records.files.example_files import read_examples, recognise
from helpdesk.records.files.faq_files import NamedFile, read_faq_files, read_labelled
from helpdesk.records.files.faq_rows import FaqFile


def read(text: str, name: str = "faq.csv") -> FaqFile:
    """A file of this name and text."""
    return read_faq_files([NamedFile(name, text.encode())])


def many(broken: str) -> str:
    """39 rows, the second of which is broken."""
    rows = [f'How do I do thing {n}?,"Do {n}, then wait."' for n in range(1, 40)]
    return "\n".join(["question,answer", rows[0], broken, *rows[2:], ""])


@pytest.mark.parametrize("broken", ['"How do I do thing 2?,Do it.', 'How do I do thing 2?,"Do 2, then wait.'])
def test_an_unclosed_quote_costs_its_own_row(broken: str) -> None:
    """38 of 39 entries are read, and the fault has the line on which the mark stands."""
    found = read(many(broken))

    assert len(found.entries) == 38
    assert [line for line, _ in found.bad_rows] == [3]
    assert "reading went on at line 4" in found.bad_rows[0][1]
    assert found.lines["how_do_i_do_thing_3"] == 4


def test_lines_that_are_no_rows_are_counted() -> None:
    """An answer over several lines with a stray mark in it: none of its lines becomes an entry."""
    text = 'question,answer\nHow?,"Say ""yes"".\nThen "stop\nor go on\n"\nWhy?,Because.\n'

    found = read(text)

    assert [entry.question for entry in found.entries] == ["Why?"]
    assert found.bad_rows == [(2, found.bad_rows[0][1])]
    assert "4 lines were left out, reading went on at line 6" in found.bad_rows[0][1]


def test_examples_after_an_unclosed_quote_are_read(tmp_path: Path) -> None:
    """The same reader is behind every CSV file."""
    path = tmp_path / "pairs.csv"
    path.write_text('text_a,text_b\nvpn,"open vpn\nwifi,wlan\nmail,post\n')

    found = read_examples(path, recognise(path))

    assert [row.texts[0] for row in found.rows] == ["wifi", "mail"]
    assert [line for line, _ in found.bad_rows] == [2]


@pytest.mark.parametrize("name", ["answer", "Answer 2", "answer_2"])
def test_a_repeated_column_is_a_fault(name: str) -> None:
    """It holds what would be lost; how much is said. An empty one is none."""
    found = read(f"question,answer,{name}\nHow?,So.,Otherwise.\nWhy?,Because.,\n")

    assert [(line, name in reason, "(1 cell)" in reason) for line, reason in found.bad_rows] == [(1, True, True)]
    assert not read(f"question,answer,{name}\nHow?,So.,\n").bad_rows


def test_numbered_phrasings_are_taken_and_other_columns_counted() -> None:
    """`phrasing1`, `phrasing 2`, `Phrasing_3`, `phrasing` again."""
    found = read(
        "question,answer,phrasing1,phrasing 2,Phrasing_3,phrasing,phrasing,comment\n"
        "How?,So.,a one,a two,a three,a four,a five,seen\nWhy?,Because.,b one,,,,,\n"
    )

    assert [entry.phrasings for entry in found.entries] == [
        ("a one", "a two", "a three", "a four", "a five"),
        ("b one",),
    ]
    assert found.ignored == ("column comment (1 cell)",)


def test_two_columns_of_one_name_are_refused_where_rows_go_by_names(tmp_path: Path) -> None:
    """The second would take the place of the first."""
    path = tmp_path / "set.csv"
    path.write_text("text,text,intent\na,b,c\n")

    with pytest.raises(BadInputError, match="2 columns are named 'text'"):
        read_labelled(path)


@pytest.mark.parametrize("name", ["faq.jsonl", "faq.ndjson", "faq.json", "faq.txt"])
def test_json_lines_are_read_line_by_line(name: str) -> None:
    """A broken line is a bad row with its line."""
    lines = [json.dumps({"question": f"How {n}?", "answer": f"So {n}."}) for n in range(3)]

    found = read("\n".join([lines[0], "", lines[1], '{"question": "broken', lines[2]]), name)

    assert [entry.question for entry in found.entries] == ["How 0?", "How 1?", "How 2?"]
    assert found.lines["how_1"] == 3
    assert [line for line, _ in found.bad_rows] == [4]
