"""Every command ends an ordinary fault in one line that says what to do, with exit code 1, and makes nothing."""

import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner
from commands import HELPDESK, run_in
from test_architecture import commands

from helpdesk.cli.main import cli

pytestmark = pytest.mark.slow

FAQ = "text,intent\nvpn is down,vpn\n"
AT_HOME: list[tuple[str, ...]] = [  # what works on a home, each with arguments that are fine
    ("serve",),
    ("match", "vpn"),
    ("retrain", "--no-finetune"),
    ("versions",),
    ("versions", "promote", "1"),
    ("rollback",),
    ("db", "upgrade"),
    ("faq", "import", "FILE"),
    ("faq", "export"),
    ("faq", "list"),
    ("faq", "publish", "vpn"),
    ("faq", "unpublish", "vpn"),
    ("faq", "rename", "vpn", "tunnel"),
    ("faq", "merge", "vpn", "printer"),
    ("staff", "add", "eve", "--password", "correct horse"),
    ("staff", "invite", "eve"),
    ("staff", "list"),
    ("staff", "password", "eve", "--password", "correct horse"),
    ("staff", "role", "eve", "editor"),
    ("staff", "disable", "eve"),
    ("staff", "enable", "eve"),
    ("data", "import", "FILE"),
    ("data", "list"),
    ("data", "export", "positive"),
    ("data", "remove", "crm"),
    ("data", "check"),
    ("exclusions",),
    ("exclusions", "lift", "1"),
    ("golden", "add", "hello", "--never"),
    ("golden", "list"),
    ("golden", "remove", "1"),
    ("nights",),
    ("nights", "explain"),
    ("report",),
    ("why", "1"),
    ("key", "add", "shop", "--scope", "match"),
    ("key", "list"),
    ("key", "revoke", "1"),
    ("labels", "export"),
    ("deliver",),
    ("handover", "test"),
    ("prune",),
    ("erase", "--sender", "u"),
    ("export-person", "--sender", "u"),
    ("versions", "verify"),
]
INIT = ("init",)
OWN_FAULTS = [("backup", "FILE"), ("restore", "FILE"), ("doctor",)]  # the others in tests/upkeep
NO_SETTINGS = [("api", "schema")]
WITHOUT_HOME = [
    *OWN_FAULTS,
    ("config",),
    ("tenants", "list"),
    ("tenants", "run", "versions"),
    ("demo",),
    ("simulate", "--train", "FILE", "--test", "FILE"),
]
Fault = Callable[[Path, pytest.MonkeyPatch, Path], str]  # home, environment, a home with empty tables -> what is said


def test_the_table_knows_every_command() -> None:
    """A command that is added is tried with every fault."""
    tried = (*AT_HOME, INIT, *WITHOUT_HOME)
    known = [words[:2] if words[0] in cli.commands and len(words) > 1 else words for words in tried]
    empty = {"db", "faq", "staff", "data", "golden", "key", "labels", "handover", "api", "tenants"}
    groups = {"versions", "exclusions", "nights", *empty}
    leaves = {words if words[0] in groups else words[:1] for words in (*known, *NO_SETTINGS)}

    assert leaves == set(commands(cli)) - {(name,) for name in empty}


def marked(home: Path, tables: Path, *, revision: str) -> None:
    """A home with the tables, marked with another revision."""
    shutil.copytree(tables, home)
    connection = sqlite3.connect(home / "helpdesk.db")
    connection.execute("UPDATE alembic_version SET version_num = ?", [revision])
    connection.commit()
    connection.close()


def no_home(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """Nobody ran `helpdesk init`."""
    return f"there is no home {home}; run `helpdesk init`"


def empty_home(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """Somebody made the folder, and nothing else."""
    home.mkdir()
    return "holds no helpdesk; run `helpdesk init`"


def file_for_home(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """A file lies where the home should."""
    home.write_text("")
    return "a file; expected a folder"


def older_database(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """The code was updated, the schema was not."""
    marked(home, tables, revision="0001")
    return "is at revision 0001, this code needs"


def newer_database(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """Another helpdesk upgraded it."""
    marked(home, tables, revision="9999")
    return "revision 9999, which is newer than this code"


def other_file(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """The database is some other file."""
    home.mkdir()
    (home / "helpdesk.db").write_text("no database at all, " * 500)
    return "is no SQLite database; move the file away"


def folder_for_database(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """The database is a folder."""
    (home / "helpdesk.db").mkdir(parents=True)
    return "cannot be opened; expected a file"


def bad_url(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """No URL."""
    home.mkdir()
    patch.setenv("HELPDESK_DATABASE_URL", "nonsense")
    return "expected e.g. postgresql://user@host/db"


def bad_port_in_url(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """A URL that does not parse to its end."""
    home.mkdir()
    patch.setenv("HELPDESK_DATABASE_URL", "postgresql://u:secret@host:port/db")
    return "expected e.g. postgresql://user@host/db"


def unknown_database(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """A database that is not one of the two."""
    home.mkdir()
    patch.setenv("HELPDESK_DATABASE_URL", "mysql://u:secret@host/db")
    return "mysql given; expected sqlite or postgresql"


def no_driver(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """The extra for PostgreSQL is not installed."""
    home.mkdir()
    patch.setitem(sys.modules, "psycopg", None)
    patch.setenv("HELPDESK_DATABASE_URL", "postgresql://u:secret@host/db")
    return "needs psycopg, which is not installed: `pip install 'helpdesk[postgresql]'`"


def absent_server(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """Nothing listens there."""
    home.mkdir()
    patch.setenv("HELPDESK_DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/db")
    patch.setenv("HELPDESK_DATABASE_TIMEOUT", "1")
    return "the database did not answer: connection"


def bad_setting(home: Path, patch: pytest.MonkeyPatch, tables: Path) -> str:
    """One of many settings is no number."""
    patch.setenv("HELPDESK_AUDIT_RATE", "many")
    return "bad settings: HELPDESK_AUDIT_RATE='many': "


BROKEN: list[Fault] = [file_for_home, newer_database, other_file, folder_for_database]
BROKEN += [bad_url, bad_port_in_url, unknown_database, no_driver, absent_server, bad_setting]
CASES = [(words, fault) for words in AT_HOME for fault in (no_home, empty_home, older_database, *BROKEN)]
CASES = [case for case in CASES if case[0] != ("db", "upgrade") or case[1] not in (empty_home, older_database)]
CASES.remove((("serve",), absent_server))  # it waits for its server: tests/test_torture.py
CASES += [(INIT, fault) for fault in BROKEN] + [(words, bad_setting) for words in WITHOUT_HOME]


def naming(case: object) -> str:
    """A case by its words and its fault."""
    return "-".join(case) if isinstance(case, tuple) else getattr(case, "__name__", str(case))


@pytest.mark.parametrize(("words", "fault"), CASES, ids=naming)
def test_a_fault_is_one_line_that_says_what_to_do(
    words: tuple[str, ...], fault: Fault, empty_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback, no secret, exit code 1, and nothing is made on the way."""
    home, file = tmp_path / "home", tmp_path / "faq.csv"
    file.write_text(FAQ)
    expected = fault(home, monkeypatch, empty_home)
    before = sorted(tmp_path.rglob("*"))
    said = run_in(home, *(str(file) if word == "FILE" else word for word in words), code=1)

    assert said.stdout == ""
    assert said.stderr.startswith("helpdesk: ")
    assert said.stderr.count("\n") == 1
    assert expected in said.stderr
    assert "secret" not in said.stderr
    assert [path for path in sorted(tmp_path.rglob("*")) if path.suffix not in (".db-wal", ".db-shm")] == before


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    """A home with tables and nothing in them."""
    return Path(shutil.copytree(empty_home, tmp_path / "home"))


@pytest.mark.parametrize("command", [("faq", "import"), ("data", "import")], ids=" ".join)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("missing", "No such file or directory; expected a file"),
        ("folder", "is a folder with 0 .yml files; expected a file, or a folder of a Rasa assistant"),
        ("latin", "bad.csv: not Windows-1252 (Western Europe) at byte 12; name another encoding"),
        ("long cell", "a cell has more than 131,072 characters; is a quote missing?"),
        ("quotes", "not CSV: "),
    ],
)
def test_a_file_that_cannot_be_read_is_named(home: Path, command: tuple[str, ...], fault: str, words: str) -> None:
    """At every door for files alike."""
    assert words in run_in(home, *command, str(bad_file(home.parent, fault)), code=1).stderr


@pytest.mark.parametrize("part", ["--train", "--test"])
@pytest.mark.parametrize("fault", ["missing", "folder", "latin", "long cell"])
def test_a_set_that_cannot_be_read_is_named(tmp_path: Path, part: str, fault: str) -> None:
    """Before anything is played."""
    files = dict.fromkeys(("--train", "--test"), tmp_path / "good.csv") | {part: bad_file(tmp_path, fault)}
    (tmp_path / "good.csv").write_text(FAQ)
    said = run_in(tmp_path / "none", "simulate", *(str(word) for pair in files.items() for word in pair), code=1)

    assert said.stderr.startswith("helpdesk: ")
    assert "Traceback" not in said.stderr


def bad_file(folder: Path, fault: str) -> Path:
    """A CSV file that is none."""
    path = folder / "bad.csv"
    raw = {
        "latin": b"text,intent\n\x81,vpn\n",
        "long cell": b"text,intent\n" + b"x" * 140_000 + b",vpn\n",
        "quotes": b'text,intent\n"vpn" is down,vpn\n',
    }
    if fault == "folder":
        path.mkdir()
    elif fault in raw:
        path.write_bytes(raw[fault])
    return path


@pytest.mark.parametrize("command", [("faq", "export"), ("data", "export", "positive")], ids=" ".join)
@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("/dev/full", "No space left on device; free some space there"),
        (".", "Is a directory; expected a file"),
        ("no/folder/copy.csv", "No such file or directory; expected a path that exists"),
    ],
)
def test_a_place_that_takes_no_file_is_named(home: Path, command: tuple[str, ...], target: str, words: str) -> None:
    """A full disk, a folder, and a folder that is not there."""
    with sqlite3.connect(home / "helpdesk.db") as connection:
        connection.execute(
            "INSERT INTO examples (kind, text_key, first, second, source, author, created_at) "
            "VALUES ('positive', 'k', 'a', 'b', 's', 'a', '2026-01-01')"
        )
    said = run_in(home, *command, str(home / target), code=1)

    assert words in said.stderr
    assert said.stderr.count("\n") == 1


@pytest.mark.parametrize("curve", ["nowhere/curve.svg", "."])
def test_a_curve_that_cannot_be_drawn_is_told_before_anything_is_played(tmp_path: Path, curve: str) -> None:
    """Not after hours of nights."""
    (tmp_path / "set.csv").write_text(FAQ)
    files = ["--train", str(tmp_path / "set.csv"), "--test", str(tmp_path / "set.csv")]
    said = run_in(tmp_path, "simulate", *files, "--curve", str(tmp_path / curve), code=1)

    assert "there is no folder" in said.stderr or "is a folder; expected" in said.stderr


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_in_use_is_told_at_once(home: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`demo` too says so before it builds anything."""
    monkeypatch.setenv("TMPDIR", str(home.parent))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = run_in(home, command, code=1, HELPDESK_PORT=str(port))

    assert f"helpdesk: port {port} is in use; stop what listens there or set HELPDESK_PORT\n" in said.stderr
    assert not list(home.parent.glob("helpdesk-demo-*"))


def test_serve_says_what_is_missing_and_serves(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `db upgrade` there is no key, no version and no login: the first is made, the others have commands."""
    became: list[list[str]] = []

    def become(path: str, arguments: list[str]) -> None:
        became.append(arguments)
        raise SystemExit(0)

    monkeypatch.setattr("os.execv", become)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    said = run_in(home, "serve", HELPDESK_PORT=str(port))

    assert "gunicorn" in became[0]
    assert "no version serves, so nothing is answered yet: `helpdesk retrain` builds one from the FAQ" in said.stderr
    assert (
        "nobody can log in to the labelling page yet: `helpdesk staff add NAME --role admin` makes a login"
        in said.stderr
    )
    assert (home / "secret_key").stat().st_mode & 0o077 == 0


def test_an_address_of_another_machine_is_told(home: Path) -> None:
    """gunicorn would try for seconds and then say it over many lines."""
    said = run_in(home, "serve", code=1, HELPDESK_HOST="192.0.2.1")

    assert "HELPDESK_HOST is '192.0.2.1'; expected an address of this machine" in said.stderr


@contextmanager
def as_nobody() -> Iterator[None]:
    """Without the rights of root, whom no permission stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed_home(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[Path]:
    """A home whose files and folder may be read, not written."""
    folder = Path(shutil.copytree(home, Path("/tmp") / f"closed-{os.getpid()}"))
    for path in (folder, *folder.iterdir()):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.parametrize("words", [words for words in AT_HOME if "FILE" not in words], ids=" ".join)
def test_a_home_that_cannot_be_written_is_told(closed_home: Path, words: tuple[str, ...]) -> None:
    """A read-only home, or one that belongs to somebody else."""
    with as_nobody():
        said = run_in(closed_home, *words, code=1)

    assert said.stderr.startswith("helpdesk: ")
    assert said.stderr.count("\n") == 1
    assert "cannot be" in said.stderr


def test_a_full_disk_is_told_and_harms_nothing(home: Path) -> None:
    """The database cannot grow: the import fails as a whole."""
    file = home.parent / "big.csv"
    file.write_text("text,intent\n" + "".join(f"the tunnel number {n} is down,vpn{n}\n" for n in range(3_000)))
    size = (home / "helpdesk.db").stat().st_size + 100_000
    done = subprocess.run(
        [*HELPDESK, "faq", "import", str(file)],
        capture_output=True,
        text=True,
        env=os.environ | {"HELPDESK_HOME": str(home)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "the disk is full or fails; free some space there" in done.stderr
    assert run_in(home, "faq", "list").stdout == ""


@pytest.mark.parametrize("words", [("config",), ("--help",), ("--version",)], ids=" ".join)
def test_output_that_nothing_takes_is_one_line(words: tuple[str, ...]) -> None:
    """Not two tracebacks when the interpreter ends."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*HELPDESK, *words], stdout=full, stderr=subprocess.PIPE, text=True)

    assert done.returncode == 1
    assert done.stderr == "helpdesk: No space left on device; free some space there\n"


def test_a_reader_that_has_read_enough_is_no_fault() -> None:
    """`helpdesk config | head -1`."""
    piped = f"{HELPDESK[0]} config | head -c 1"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True)

    assert done.stderr == ""


def test_the_version_is_told() -> None:
    """By number, as a package has one."""
    assert CliRunner().invoke(cli, ["--version"]).output == f"helpdesk {version('helpdesk')}\n"
