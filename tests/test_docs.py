"""The documents say what is there: links lead somewhere, commands and options exist, lists are complete."""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from flask import Flask

from helpdesk.cli.main import cli
from helpdesk.learning.gate.rules import Rule
from helpdesk.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md")), ROOT / "training_data" / "README.md"]
PROMPTS = ("HELPDESK_", "30 2 * * *")  # what may stand before `helpdesk` in a line of a code block


@cache
def files() -> list[str]:
    """The paths of all files of the checkout, from its root, without what is installed in it."""
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name != ".venv"]
    found = [*ROOT.glob("*.*"), *(path for folder in folders for path in folder.rglob("*.*"))]
    return [f"/{path.relative_to(ROOT).as_posix()}" for path in found]


def ids(path: Path) -> str:
    """A page's name in a test's id."""
    return str(path.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its code."""
    return re.sub(r"`[^`\n]*`", "", "\n".join(line for line in lines(page) if not line.startswith("    ")))


def lines(page: Path) -> list[str]:
    """The lines of a page outside fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE).splitlines()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = (line.lstrip("#").strip().lower() for line in lines(page) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    """The targets of a page's links within the repository, pictures too."""
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not target.startswith(("http://", "https://")):
            yield target


def named_commands(page: Path) -> Iterator[str]:
    """What a page says to type, in code spans (broken ones too) and in code blocks."""
    for line in page.read_text().splitlines():
        if line.startswith("    ") and (command := typed(line.strip())):
            yield command
    text = "\n".join(line for line in lines(page) if not line.startswith("    "))
    for span in re.findall(r"`([^`]*)`", text):
        if command := typed(" ".join(span.split())):
            yield command


def typed(line: str) -> str | None:
    """The command of a line that begins with one, without comment and settings."""
    start = line.find("helpdesk ")
    before = line[: max(0, start)].strip()
    if start < 0 or (before and not before.startswith(PROMPTS)):
        return None
    return line[start:].split("  #")[0].strip()


def faults(words: list[str]) -> Iterator[str]:
    """What is wrong with a command: a name or an option that is not there. `...` and bars stand for anything."""
    command: click.Command = cli
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] not in command.commands:
            yield f"no command {words[0]}"
            return
        command = command.commands[words.pop(0)]
    if isinstance(command, click.Group) and not command.invoke_without_command and command is not cli:
        yield f"{command.name} is a group; expected one of {', '.join(command.commands)}"
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    for word in words:
        if word.startswith("-") and word.split("=")[0] not in known | {"-h", "--help"}:
            yield f"no option {word}"


def all_commands(group: click.Group, path: tuple[str, ...] = ("helpdesk",)) -> Iterator[tuple[str, set[str]]]:
    """Every command that does something by itself, with its options."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        if not isinstance(command, click.Group) or command.invoke_without_command:
            shown = (option for option in command.params if isinstance(option, click.Option) and not option.hidden)
            yield " ".join((*path, name)), {name for option in shown for name in option.opts}


def first_cells(page: Path) -> set[str]:
    """The code spans in the first cells of a page's tables."""
    cells = (line.split(" | ")[0] for line in lines(page) if line.startswith("| "))
    return {span for cell in cells for span in re.findall(r"`([^`]+)`", cell)}


def test_the_readme_stays_short() -> None:
    """Who comes by reads the README in one go; the rest has its pages."""
    assert len((ROOT / "README.md").read_text().splitlines()) < 120


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link within the repository points to a file and, where it names one, to a heading in it."""
    for link in links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{link}: no such file"
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_the_index_names_every_page() -> None:
    """No page is lost: the index links each of them."""
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(DOCS / "README.md")}

    assert linked >= set(DOCS.rglob("*.md")) - {DOCS / "README.md"}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_in_the_documents_exist(page: Path) -> None:
    """Every `helpdesk ...` that a page names is a command with these options."""
    for command in named_commands(page):
        assert not list(faults(shlex.split(command)[1:])), command


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("helpdesk retrain --dry-run", None),
        ("helpdesk retrain --dry", "no option --dry"),
        ("helpdesk versions", None),
        ("helpdesk faq", "faq is a group"),
        ("helpdesk relearn", "no command relearn"),
    ],
)
def test_a_command_that_is_not_there_is_noticed(line: str, fault: str | None) -> None:
    """The check itself can fail: on names, on options, on groups that do nothing by themselves."""
    found = list(faults(line.split()[1:]))

    assert found == [] if fault is None else found[0].startswith(fault)


def test_the_command_reference_is_complete() -> None:
    """Every command has its row, and its rows name every option; those of `simulate` have a table of their own."""
    rows = lines(DOCS / "reference" / "command-line.md")
    for command, options in all_commands(cli):
        end = r"( -| \[| [A-Z]|`)"
        own = [row for row in rows if re.match(rf"\| `{command}{end}", row)]
        table = [row for row in rows if row.startswith("| `--")] if command == "helpdesk simulate" else []
        assert own, command
        assert set(re.findall(r"--[a-z-]+", " ".join([*own, *table]))) == options, command


def test_the_gate_reference_lists_every_rule() -> None:
    """A rule that is added, dropped or renamed must be so in docs/reference/gate-rules.md too."""
    assert first_cells(DOCS / "reference" / "gate-rules.md") == {rule.value for rule in Rule}


def test_the_route_reference_lists_every_route(app: Flask) -> None:
    """A route that is added or moved must be so in docs/reference/http.md too."""
    text = (DOCS / "reference" / "http.md").read_text()
    paths = {re.sub(r"<(int|path):", "<", rule.rule) for rule in app.url_map.iter_rules() if rule.endpoint != "static"}

    assert [path for path in sorted(paths) if f"{path}`" not in text and f"{path}," not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_files_in_the_documents_exist(page: Path) -> None:
    """Every file of code that a page names is there, by its path or the end of it."""
    named = re.findall(r"`([\w/.-]+\.(?:py|mako|conf|service|timer|cron|toml))`", "\n".join(lines(page)))

    assert [name for name in named if not any(file.endswith(f"/{name}") for file in files())] == []


def test_the_architecture_names_every_room() -> None:
    """The tree in docs/architecture.md has every folder of the package and every module at its top."""
    tree = (DOCS / "architecture.md").read_text().split("```")[1]
    package = ROOT / "helpdesk"
    rooms = {f"{path.parent.name}/" for path in package.rglob("__init__.py")} - {"helpdesk/"}
    modules = {path.name for path in package.glob("*.py")} - {"__init__.py"}

    assert {name for name in rooms | modules if not re.search(rf"(^|\s){re.escape(name)}", tree)} == set()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_settings_in_the_documents_exist(page: Path) -> None:
    """Every HELPDESK_... that a page names is a setting."""
    known = {f"HELPDESK_{name.upper()}" for name in Settings.model_fields}

    assert set(re.findall(r"HELPDESK_[A-Z_]*[A-Z]", page.read_text())) <= known
