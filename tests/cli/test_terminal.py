"""What people wrote reaches a terminal as text: what it would obey is shown."""

from pathlib import Path
from shutil import copytree

import pytest
from commands import run_in

from helpdesk.records import faq
from helpdesk.records.database import open_database
from helpdesk.records.faq import Entry
from helpdesk.settings import load_settings

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m"


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home whose FAQ has an entry that commands terminals."""
    copytree(empty_home, tmp_path, dirs_exist_ok=True)
    opened = open_database(load_settings(home=tmp_path))
    with opened.write() as session:
        faq.store_entries(session, [Entry("vpn", question=f"Why{EVIL}?", answer="a", phrasings=())], author="test")
    opened.close()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code"),
    [(("faq", "list"), 0), (("faq", "publish", f"no{EVIL}"), 1), (("config",), 0)],
    ids=["list", "error", "settings"],
)
def test_escapes_are_shown_and_not_sent(home: Path, words: tuple[str, ...], code: int) -> None:
    """In lists, in errors, in settings."""
    said = run_in(home, *words, code=code, HELPDESK_FALLBACK_TEXT=EVIL)

    assert "]0;owned" in said.stdout + said.stderr
    assert not {"\x1b", "\x07", "\x9b"} & set(said.stdout + said.stderr)


def test_what_commands_write_is_for_their_user(home: Path) -> None:
    """Exports too."""
    run_in(home, "faq", "export", str(home / "faq.csv"))

    assert (home / "faq.csv").stat().st_mode & 0o077 == 0
