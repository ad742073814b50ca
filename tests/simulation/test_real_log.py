"""A real log played from a given FAQ: its own order, its own days, and one line for what cannot be played."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from bank import WORDS, rows
from click.testing import CliRunner, Result
from commands import run_in
from sqlalchemy import select

from helpdesk.cli.main import cli
from helpdesk.errors import BadInputError
from helpdesk.records.database import open_database
from helpdesk.records.faq import Entry
from helpdesk.records.files.labelled_sets import Labelled
from helpdesk.records.files.traffic_logs import Asked, read_log, read_published
from helpdesk.records.tables import DecisionRow, Intent, Label, Message
from helpdesk.settings import load_settings
from helpdesk.simulation.real_log import known_in_advance, script_of_log
from helpdesk.text import OUT_OF_SCOPE, normalise

FAQ = "intent,question,answer,phrasing,status\n"
ENTRIES = [Entry("card", phrasings=("lost my card",)), Entry("pin", question="What is my pin?")]
FILES = {
    "faq": "text,intent\nlost my card,card\nwhat is my pin,pin\n",
    "traffic": "text,intent,day\ncard gone,card,mon\n",
    "test": "text,intent\npin gone,pin\n",
}


def asked(*days: str | None) -> list[Asked]:
    """One message for each day's name, numbered."""
    return [Asked(f"message {number}", "card", day) for number, day in enumerate(days)]


def texts(days: Sequence[Sequence[tuple[str, str]]]) -> list[list[str]]:
    """What is said on each day."""
    return [[text for text, _ in day] for day in days]


def written(folder: Path, **files: str) -> list[str]:
    """The options that name FAQ, traffic and test, good but for those given."""
    words = []
    for name, content in (FILES | files).items():
        (folder / f"{name}.csv").write_text(content)
        words += [f"--{name}", str(folder / f"{name}.csv")]
    return words


def test_days_are_played_as_they_appear() -> None:
    """Any label is a day; within a day the order of the file stays."""
    script = script_of_log(ENTRIES, asked("tue", "tue", "1", "mon", "1"), asked(None), nights=30)

    assert texts(script.days) == [["message 0", "message 1"], ["message 2", "message 4"], ["message 3"]]


def test_without_days_the_log_is_cut_into_equal_portions() -> None:
    """All messages, in their order, in sizes that differ by one at most."""
    script = script_of_log(ENTRIES, asked(*[None] * 8), asked(None), nights=3)

    assert [len(day) for day in script.days] == [2, 3, 3]
    assert [text for day in texts(script.days) for text in day] == [f"message {number}" for number in range(8)]


def test_fewer_messages_than_nights() -> None:
    """Some day would be without any."""
    with pytest.raises(BadInputError, match="2 messages for 3 nights"):
        script_of_log(ENTRIES, asked(None, None), asked(None), nights=3)


def test_a_faq_of_one_entry() -> None:
    """There is nothing to tell apart."""
    with pytest.raises(BadInputError, match="1 published entries"):
        script_of_log(ENTRIES[:1], asked(None), asked(None), nights=1)


def test_names_of_none_of_the_faq(tmp_path: Path) -> None:
    """Three spellings; the cell may be empty, the day is any label."""
    path = tmp_path / "log.csv"
    path.write_text("day,text,intent\n2,who won,oos\n1,who lost,out_of_scope\n1,what now, \n1,lost card, card \n")

    assert read_log(path, ENTRIES, longest=100) == [
        Asked("who won", OUT_OF_SCOPE, "2"),
        Asked("who lost", OUT_OF_SCOPE, "1"),
        Asked("what now", OUT_OF_SCOPE, "1"),
        Asked("lost card", "card", "1"),
    ]


def test_drafts_of_the_faq_are_not_asked_about(tmp_path: Path) -> None:
    """What is published alone has answers; questions and answers come along."""
    path = tmp_path / "faq.csv"
    path.write_text(f"{FAQ}card,Lost it?,Call us,lost my card,published\npin,,,what is my pin,draft\n")
    (entry,) = read_published(path)

    assert (entry.slug, entry.question, entry.answer, entry.phrasings) == (
        "card",
        "Lost it?",
        "Call us",
        ("lost my card",),
    )


def test_a_text_with_two_meanings() -> None:
    """Staff say what it meant first; the day's row keeps its own; test rows known in advance are counted."""
    log = [Asked("my Card", "card"), Asked("my card", "pin")]
    script = script_of_log(ENTRIES, log, [Asked("My card!", "card"), Asked("pin", "pin")], nights=1)

    assert set(script.truth.values()) == {"card"}
    assert [intent for _, intent in script.days[0]] == ["card", "pin"]
    assert script.everything == [("lost my card", "card"), ("my Card", "card")]
    assert known_in_advance(script) == 1


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("traffic", "text,intent\nhello,loan\n", "line 2: intent 'loan' is no published entry of the FAQ"),
        ("test", "text,intent\nhello,loan\n", "line 2: intent 'loan' is no published entry"),
        ("traffic", "text,intent\na,card\n...,card\nb,loan\n", "line 3: text '...' has no letters or digits (and 1"),
        ("traffic", "text,intent,day\nhello,card,\n", "line 2: day is empty"),
        ("traffic", "text,intent,day\nhello,card\n", "line 2: day is missing"),
        ("traffic", "text,intent\nhello, card,card\n", "line 2: 1 cell(s) too many"),
        ("traffic", "text\nhello\n", "columns ['text'] found; expected text,intent[,day]"),
        ("traffic", "text,intent\n", "has no rows"),
        ("traffic", 'text,intent\n"a" b,card\n', ": not CSV"),
        ("test", "text,intent\nhello,oos\n", "none of the 1 test rows means an entry of the FAQ"),
        ("faq", "text,intent\nlost my card,card\nother,oos\n", "has an entry 'oos'"),
        ("faq", "text,intent\nlost my card,card\n,pin\n", "line 3: "),
        ("faq", "words\nlost my card\n", "the first row, “words”, names no co"),
    ],
)
@pytest.mark.slow
def test_what_cannot_be_played(tmp_path: Path, name: str, content: str, words: str) -> None:
    """One line that names the fault, exit code 1, before anything is played."""
    said = run_in(tmp_path, "simulate", *written(tmp_path, **{name: content}), code=1)

    assert words in said.stderr
    assert said.stderr.startswith("helpdesk: ")
    assert said.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_file_that_is_missing(tmp_path: Path) -> None:
    """Each of the three is named."""
    words = written(tmp_path)
    for place in (1, 3, 5):
        others = [*words[:place], str(tmp_path / "none.csv"), *words[place + 1 :]]
        said = run_in(tmp_path, "simulate", *others, code=1)

        assert said.stderr == f"helpdesk: {tmp_path / 'none.csv'}: No such file or directory; expected a file\n"


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("--faq f", "--faq, --traffic and --test belong together; give --traffic and --test too"),
        ("--faq f --test t", "give --traffic too"),
        ("--faq f --traffic t", "give --test too"),
        ("--traffic t --test t", "give --faq too"),
        ("--train t --faq f --test t", "--train and --faq exclude each other"),
        ("--train t --traffic f --test t", "--train and --faq exclude each other"),
        ("--train t", "--test is missing; give --train and --test, or"),
        ("--test t", "--train is missing; give --train and --test, or"),
        ("--faq f --traffic t --test t --oos-share 0.2", "--oos-share shapes what --train is played as"),
        ("--faq f --traffic t --test t --drift", "--drift shapes what"),
    ],
)
def test_files_that_do_not_belong_together(words: str, fault: str) -> None:
    """A usage error says which is missing or too many."""
    result = CliRunner().invoke(cli, ["simulate", *words.split()])

    assert result.exit_code == 2
    assert fault in result.stderr


def played(folder: Path, base: Path) -> tuple[Result, Labelled]:
    """A log of two days played with the tiny model, and its rows."""
    train, test = rows(oos=True)
    log = [(text if intent == "oos" else f"{text} 10.1.2.3", intent) for text, intent in train[::-1][:24]]
    faq = "".join(f"{intent},About {intent}?,Call us,{words},published\n" for intent, words in WORDS.items())
    faq += "".join(f"{intent},,,{text},published\n" for text, intent in train[:45:3])
    traffic = "".join(f"{text},{intent},{'b' if n < 10 else 'a'}\n" for n, (text, intent) in enumerate(log))
    words = written(
        folder,
        faq=FAQ + faq,
        traffic="text,intent,day\n" + traffic,
        test="text,intent\n" + "".join(f"{text},{intent}\n" for text, intent in test),
    )
    variables = {"HELPDESK_BASE_MODEL": str(base), "HELPDESK_TRAIN_THREADS": "1", "HELPDESK_MAX_WRONG_RATE": "0.3"}
    more = ["--labels-per-night", "12", "--fast", "--full-data", "skip", "--json", "--home", str(folder / "kept")]
    return CliRunner().invoke(cli, ["simulate", *words, *more], env=variables), log


@pytest.mark.slow
def test_a_log_is_played_from_the_given_faq(tiny_base: Path, tmp_path: Path) -> None:
    """Two days of its own, messages in its order and redacted, labels as its rows say, the keys of every night."""
    result, sent = played(tmp_path, tiny_base)
    found = json.loads(result.stdout)
    with open_database(load_settings(home=tmp_path / "kept" / "helpdesk")).read() as session:
        messages = session.scalars(select(Message).order_by(Message.id)).all()
        told = session.scalars(select(DecisionRow.intent).order_by(DecisionRow.message_id)).all()
        answers = {intent.answer for intent in session.scalars(select(Intent))}
        strange = set(session.scalars(select(Label.normalised).where(Label.kind == "out_of_scope")))
    days = [message.created_at.date() for message in messages]

    assert [message.text for message in messages] == [text.replace("10.1.2.3", "[ip]") for text, _ in sent]
    assert [days.count(day) for day in sorted(set(days))] == [10, 14]
    assert answers == {"Call us"}
    assert strange
    assert strange <= {normalise(text) for text, intent in rows(oos=True)[0] if intent == "oos"}
    assert found["options"]["nights"] == 2
    assert [row["night"] for row in found["nights"]] == [1, 2]
    for row, day in zip(found["nights"], (slice(10), slice(10, 24)), strict=True):
        wrong = [answer != truth for answer, (_, truth) in zip(told[day], sent[day], strict=True) if answer]
        assert row["wrong_share_day"] == (sum(wrong) / len(wrong) if wrong else None)
        assert row["wrong_share_test"] == row["wrong_rate"]
        assert {"accuracy", "coverage", "outside_refused", "verdict", "reason", "labels"} <= set(row)
