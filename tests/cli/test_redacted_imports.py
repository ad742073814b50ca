"""What customers wrote is redacted at every door of the command line; what staff wrote is stored as it was typed."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from helpdesk.cli.main import cli
from helpdesk.records.database import Database, open_database
from helpdesk.records.tables import Example, GoldenPhraseRow, Phrasing
from helpdesk.settings import Settings

TYPED = "my password is LAB1 and mail me at lab1@leak.example"
REDACTED = "my password is [secret] and mail me at [email]"


def run(settings: Settings, *words: str, **env: str) -> str:
    """What a command that succeeds says."""
    result = CliRunner().invoke(cli, words, env={"HELPDESK_HOME": str(settings.home)} | env, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def stored(settings: Settings) -> list[str]:
    """Every text that the database has of phrasings, examples and golden phrases and that is like the one typed."""
    database: Database = open_database(settings)
    with database.read() as session:
        texts = [*session.scalars(select(Phrasing.text)), *session.scalars(select(GoldenPhraseRow.text))]
        texts += [text for example in session.scalars(select(Example)) for text in example.texts]
    database.close()
    return [text for text in texts if text.startswith("my password is") and "mail me" in text]


@pytest.mark.parametrize("command", ["faq", "data"])
@pytest.mark.parametrize("intent", ["lab", "vpn", "oos"])
def test_labelled_messages_are_redacted(settings: Settings, tmp_path: Path, command: str, intent: str) -> None:
    """Of new entries, of known ones and of what is none of the FAQ; the report does not repeat them either."""
    file = tmp_path / "lab.csv"
    file.write_text(f"text,intent\n{TYPED},{intent}\n{TYPED},{intent}\n")

    said = run(settings, command, "import", str(file))

    assert stored(settings) == [REDACTED]
    assert "LAB1" not in said
    assert "nothing changes" in run(settings, command, "import", str(file))


@pytest.mark.parametrize(
    "header", ["text", "text_a,text_b", "text_a,text_b,similarity", "text_a,text_b,similar", "anchor,positive,negative"]
)
def test_examples_of_every_kind_are_redacted(settings: Settings, tmp_path: Path, header: str) -> None:
    """Whichever columns hold texts."""
    file = tmp_path / "rows.csv"
    cells = ["1" if name.startswith("simil") else f"{TYPED} {number}" for number, name in enumerate(header.split(","))]
    file.write_text(f"{header}\n{','.join(cells)}\n")

    run(settings, "data", "import", str(file))

    assert {text.rpartition(" ")[0] for text in stored(settings)} == {REDACTED}


def test_what_staff_wrote_stays(settings: Settings, tmp_path: Path) -> None:
    """A file with questions or answers is a FAQ; so does everything while redaction is off."""
    file, labelled = tmp_path / "faq.csv", tmp_path / "lab.csv"
    file.write_text(f"intent,question,answer,phrasing\nlab,Who?,Call 030 1234567.,{TYPED}\n")
    run(settings, "faq", "import", str(file))
    assert stored(settings) == [TYPED]

    labelled.write_text(f"text,intent\n{TYPED} 2,lab\n")
    run(settings, "data", "import", str(labelled), HELPDESK_REDACT="false")
    assert stored(settings) == [TYPED, f"{TYPED} 2"]


def test_a_golden_phrase_is_what_a_message_becomes(settings: Settings) -> None:
    """The gate judges what is matched. A phrasing of the FAQ is matched as it stands."""
    assert run(settings, "golden", "add", TYPED, "--never").startswith(f"golden phrase 1: {REDACTED!r} is never")
    assert stored(settings) == [REDACTED]
