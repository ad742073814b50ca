"""`helpdesk staff`: people by command."""

from pathlib import Path

import pytest
from commands import run_in

from helpdesk.records import audit_log, one_time_links
from helpdesk.records.database import open_database
from helpdesk.settings import load_settings

PASSWORD = ("--password", "correct horse battery")


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home with two people."""
    (tmp_path / "helpdesk.db").write_bytes((empty_home / "helpdesk.db").read_bytes())
    run_in(tmp_path, "staff", "add", "ann", "--role", "admin", *PASSWORD)
    run_in(tmp_path, "staff", "add", "bob", *PASSWORD)
    return tmp_path


def test_people_are_managed_by_command(home: Path) -> None:
    """Each command says what it did, the list shows it, and the log has it."""
    assert run_in(home, "staff", "role", "bob", "editor").stdout == "bob is editor\n"
    assert run_in(home, "staff", "disable", "bob").stdout == "bob is disabled\n"
    listed = run_in(home, "staff", "list").stdout.splitlines()
    assert [" ".join(line.split()) for line in listed] == [
        "admin active not in 90 days 0 labels ann",
        "editor disabled not in 90 days 0 labels bob",
    ]
    assert run_in(home, "staff", "enable", "bob").stdout == "bob may log in again\n"
    assert "is changed" in run_in(home, "staff", "password", "bob", "--password", "another long one").stdout
    token = run_in(home, "staff", "invite", "cat", "--role", "viewer").stdout.split("/invite/")[1].strip()
    database = open_database(load_settings(home=home))
    with database.read() as session:
        assert one_time_links.find_link(session, token).role == "viewer"
        rows = audit_log.read_log(session, author="command line")
    database.close()
    assert [row.action.removeprefix("person.") for row in reversed(rows)] == [
        "added", "added", "role_changed", "disabled", "enabled", "password_changed", "invited",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("disable", "ann"), "ann is the only active admin and cannot be disabled; make somebody else admin first"),
        (("role", "ann", "editor"), "ann is the only active admin and cannot get another role"),
        (("enable", "eve"), "no login 'eve'; `helpdesk staff list` shows them all"),
        (("add", "Bob", *PASSWORD), "there is a login 'Bob' already; expected another name"),
        (("invite", "bob"), "there is a login 'bob' already; expected another name"),
        (("add", "eve", "--password", "short"), "password of 5 characters; expected at least 10"),
        (("password", "bob", "--password", "bobbobbobbob"), "this password is easy to guess. Repeats like"),
    ],
)
def test_what_cannot_be_is_one_line(home: Path, words: tuple[str, ...], said: str) -> None:
    """That says what would work."""
    refused = run_in(home, "staff", *words, code=1).stderr

    assert refused.count("\n") == 1
    assert said in refused
