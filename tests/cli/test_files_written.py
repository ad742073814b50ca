"""Commands that write a file never write over what the helpdesk keeps itself."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from commands import HELPDESK, run_in

WRITING = [("backup",), ("faq", "export"), ("labels", "export"), ("data", "export", "positive")]


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home with tables and nothing in them, a file and folders of the helpdesk's own, and a link to its database."""
    home = Path(shutil.copytree(empty_home, tmp_path / "home"))
    (home / "secret_key").write_text("0" * 64)
    (home / "secret_key").chmod(0o600)
    (home / "bundles").mkdir(exist_ok=True, mode=0o700)
    (tmp_path / "link").symlink_to(home / "helpdesk.db")
    return home


@pytest.mark.parametrize("command", WRITING, ids=" ".join)
@pytest.mark.parametrize("target", ["helpdesk.db", "helpdesk.db-wal", "secret_key", "bundles/new.csv", "../link"])
def test_what_is_ours_is_not_written_over(home: Path, command: tuple[str, ...], target: str) -> None:
    """By whatever name it is called."""
    before = {path: path.read_bytes() for path in (home / "helpdesk.db", home / "secret_key")}
    said = run_in(home, *command, str(home / target), code=1).stderr

    assert target in said
    assert said.count("\n") == 1
    assert {path: path.read_bytes() for path in before} == before
    assert not (home / "bundles" / "new.csv").exists()


def test_a_backup_takes_the_place_of_an_older_one_and_of_nothing_else(home: Path) -> None:
    """In the home or elsewhere; what else is there stays as it was."""
    (home.parent / "notes").write_text("not to be lost")

    assert "notes is there and is no backup" in run_in(home, "backup", str(home.parent / "notes"), code=1).stderr
    assert (home.parent / "notes").read_text() == "not to be lost"
    for place in (home / "saved", home.parent / "saved"):
        run_in(home, "backup", str(place))
        run_in(home, "backup", str(place))
        run_in(home, "restore", "--check", str(place))


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(home: Path) -> None:
    """Not by the name under which it is written first."""
    said = run_in(home, "backup", "/nowhere/monday", code=1).stderr

    assert "there is no folder /nowhere to write monday in" in said


def test_an_export_writes_what_a_link_leads_to_and_keeps_its_rights(home: Path) -> None:
    """So that whoever reads it each night goes on reading it."""
    target, link = home.parent / "faq.csv", home.parent / "faq-link"
    target.write_text("older")
    target.chmod(0o644)
    link.symlink_to(target)
    run_in(home, "faq", "export", str(link))

    assert link.is_symlink()
    assert "question" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o644


def test_standard_output_may_be_named_though_it_is_a_file(home: Path) -> None:
    """The device stays what it is."""
    out = home.parent / "out.csv"
    with out.open("w") as file:
        words = [*HELPDESK, "faq", "export", "/dev/stdout"]
        subprocess.run(words, stdout=file, env=os.environ | {"HELPDESK_HOME": str(home)}, check=True)

    assert "question" in out.read_text()
    assert Path("/dev/stdout").is_symlink()


def test_an_export_that_fails_leaves_the_older_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full after the first bytes."""
    target = home.parent / "faq.csv"
    target.write_text("older")

    def full(path: Path, data: bytes) -> None:
        path.write_text("ol")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    said = run_in(home, "faq", "export", str(target), code=1).stderr

    assert "faq.csv" in said
    assert ".half" not in said
    assert target.read_text() == "older"
    assert [path.name for path in home.parent.iterdir() if path.is_file() and not path.is_symlink()] == ["faq.csv"]
