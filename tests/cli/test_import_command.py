"""`helpdesk faq import` says what it changes, as the page does, and `helpdesk faq export` writes what comes back."""

from pathlib import Path

import pytest
from commands import run_in
from workbooks import workbook

from helpdesk.records import faq
from helpdesk.records.database import open_database
from helpdesk.records.faq import Entry
from helpdesk.settings import load_settings


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home with one entry."""
    (tmp_path / "home").mkdir()
    for file in empty_home.iterdir():
        (tmp_path / "home" / file.name).write_bytes(file.read_bytes())
    database = open_database(load_settings(home=tmp_path / "home"))
    with database.write() as session:
        vpn = Entry("vpn", question="No VPN?", answer="Restart it.", phrasings=("vpn down", "tunnel dead"))
        faq.store_entries(session, [vpn], author="test")
    database.close()
    return tmp_path / "home"


def written(home: Path, text: str, name: str = "faq.csv") -> str:
    """The path of a file with this text."""
    (home.parent / name).write_text(text, encoding="utf-8")
    return str(home.parent / name)


def test_the_report_names_every_change(home: Path) -> None:
    """A dry run says the same and writes nothing."""
    path = written(
        home, "slug;Title;Response;Variant;owner\nvpn;;Reboot it.;vpn down;x\nwifi;No Wi-Fi?;Wait.;tunnel dead;x\n"
    )
    tried = run_in(home, "faq", "import", path, "--dry-run").stdout
    assert run_in(home, "faq", "list").stdout == "vpn  published  3  No VPN?\n"
    done = run_in(home, "faq", "import", path).stdout

    assert tried.splitlines()[1] == "nothing was written; the import would do this:"
    assert done.splitlines() == [
        "read as UTF-8, separated by semicolon",
        "2 intents (1 new), 1 new phrasing, 1 known already, 1 canonical question",
        "Changed: 1.",
        '  line 2: vpn: No VPN? (answer was "Restart it.", is "Reboot it.")',
        "New: 1.",
        "  line 3: wifi: No Wi-Fi? (Wait.; 1 phrasing)",
        "Phrasings that the file does not have: 1. They are kept.",
        "  vpn: tunnel dead",
        "Texts of several entries: 1. Whoever types one is asked which is meant.",
        '  "tunnel dead" is a phrasing of vpn and wifi: it is asked which one is meant',
        "Not read: 1.",
        "  column owner (2 cells)",
    ]
    assert tried.splitlines()[2:] == done.splitlines()[2:]
    assert run_in(home, "faq", "import", path).stdout.endswith("nothing changes\n")
    assert "They are removed." in run_in(home, "faq", "import", path, "--replace").stdout
    assert "vpn  published  2" in run_in(home, "faq", "list").stdout


def test_a_conflicting_entry_stops_an_import_unless_it_is_renamed_or_skipped(home: Path) -> None:
    """Nothing is written before somebody says which."""
    path = written(home, "intent,question,answer\nremote,no vpn,So.\n")

    refused = run_in(home, "faq", "import", path, code=1).stderr
    assert "line 2: remote has the same question as vpn" in refused
    assert "--rename makes it that one's new name" in refused
    assert "skipped line 2" in run_in(home, "faq", "import", path, "--skip-bad").stderr
    assert run_in(home, "faq", "list").stdout.startswith("vpn  ")
    assert "vpn becomes remote" in run_in(home, "faq", "import", path, "--rename").stdout
    assert run_in(home, "faq", "list").stdout == "remote  published  3  no vpn\n"


def test_300_rows_of_a_workbook_are_300_published_entries(home: Path) -> None:
    """Also where training data of every kind come in."""
    rows = [("Question", "Answer"), *((f"How do I use tool {n}?", f"Read page {n}.") for n in range(300))]
    (home.parent / "tools.xlsx").write_bytes(workbook(rows))
    said = run_in(home, "data", "import", str(home.parent / "tools.xlsx")).stdout

    assert "300 intents (300 new)" in said
    assert said.count("\n") < 30
    listed = run_in(home, "faq", "list").stdout.splitlines()
    assert sum("  published  1  How do I use tool" in line for line in listed) == 300


def test_rasa_files_and_other_encodings_are_read(home: Path) -> None:
    """Several files at once; what is guessed wrong is named."""
    nlu = written(home, "nlu:\n- intent: hours\n  examples: |\n    - open on [monday](day)\n", "nlu.yml")
    domain = written(home, "responses:\n  utter_hours:\n  - text: Nine to five.\n", "domain.yml")
    (home.parent / "ru.csv").write_bytes("question\tanswer\nкак?\tтак\n".encode("cp1251"))
    options = ("--encoding", "windows-1251", "--separator", "tab")

    assert "1 intent (1 new), 1 new phrasing" in run_in(home, "faq", "import", nlu, domain).stdout
    assert "как: как? (так)" in run_in(home, "faq", "import", str(home.parent / "ru.csv"), *options).stdout
    assert "expected one of" in run_in(home, "faq", "import", nlu, "--encoding", "klingon", code=1).stderr
    assert "several make sense of Rasa's" in run_in(home, "faq", "import", nlu, nlu[:-7] + "ru.csv", code=1).stderr


@pytest.mark.parametrize("name", ["copy.csv", "copy.json", "copy.xlsx"])
def test_what_is_exported_by_suffix_comes_back(home: Path, name: str) -> None:
    """Nothing changes; the mark for Excel is in CSV only."""
    path = str(home.parent / name)
    run_in(home, "faq", "export", path, "--excel")

    assert Path(path).read_bytes().startswith(b"\xef\xbb\xbf") == name.endswith("csv")
    assert run_in(home, "faq", "import", path).stdout.endswith("Unchanged: 1.\nnothing changes\n")
