"""The rooms keep their doors: imports point one way, heavy libraries stay where they belong."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from helpdesk.cli import cli

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "helpdesk"
ALLOWED = {
    "matching": {"matching"},
    "records": {"records"},
    "learning": {"learning", "matching", "records"},
    "serving": {"serving", "matching", "records"},
    "web": {"web", "serving", "matching", "records"},
    "simulation": {"simulation", "app", "operations", "web", "serving", "learning", "matching", "records"},
}
ROOMLESS = {"errors", "settings", "text", "progress", "threads"}
OUTSIDE = {
    "hnswlib": {"matching/index.py"},
    "torch": {"learning"},
    "sentence_transformers": {"learning"},
    "flask": {"web", "app.py"},
    "sqlalchemy": {"records", "serving", "learning", "web", "operations.py"},
    "onnxruntime": {"matching/encoder.py", "learning/export.py"},
}


def sources() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, inside functions too, type checking blocks left out."""
    for node in ast.walk(_without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _without_type_checking(tree: ast.Module) -> ast.Module:
    tree.body = [n for n in tree.body if not (isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test))]
    return tree


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path: Path) -> None:
    """web -> serving -> {matching, records}; learning -> {matching, records}; simulation above all; nothing back up."""
    place = path.relative_to(PACKAGE)
    room = place.parts[0]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "helpdesk" and len(parts) > 1 and room in ALLOWED:
            assert parts[1] in ALLOWED[room] | ROOMLESS, f"{place} imports {name}"
        if parts[0] in OUTSIDE:
            assert {room, str(place)} & OUTSIDE[parts[0]], f"{place} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_and_functions_stay_readable(path: Path) -> None:
    """No file over 300 lines, no function over 50."""
    text = path.read_text()

    assert text.count("\n") <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 50, node.name


@pytest.mark.parametrize("statement", ["import helpdesk.cli", "import helpdesk.app", "import helpdesk.serving.live"])
def test_serving_does_not_load_torch(statement: str) -> None:
    """Web workers and `helpdesk --help` start without torch, scikit-learn or pandas."""
    heavy = "{'torch', 'sentence_transformers', 'transformers', 'sklearn', 'pandas', 'datasets'}"
    probe = f"{statement}; import sys; print(sorted({heavy} & set(sys.modules)))"

    output = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, cwd=ROOT)

    assert output.stdout.strip() == "[]"


def commands(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command of the command line, as words."""
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


@pytest.mark.parametrize("words", [(), *commands(cli)], ids=" ".join)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """Each console command can be asked for help."""
    context = click.Context(cli)
    command: click.Command = cli
    for word in words:
        assert isinstance(command, click.Group)
        command = command.commands[word]

    assert command.get_help(context).strip()
    assert command.help
