"""The rooms keep their doors: imports point one way, heavy libraries stay where they belong."""

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import click
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from helpdesk.cli.main import cli

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "helpdesk"
FRONT = {"app", "home", "new_home", "server", "tenants", "demo"}  # at the top of the package; they put rooms together
ROOMS: dict[str, set[str]] = {
    "stats": set(),
    "matching": set(),
    "records": {"stats"},
    "channels": {"records", "stats"},
    "learning": {"channels", "matching", "records", "stats"},
    "serving": {"matching", "records", "stats"},
    "web": {"channels", "serving", "matching", "records", "stats"},
    "upkeep": {"learning", "serving", "matching", "records", "stats"},
    "simulation": {"app", "new_home", "channels", "web", "serving", "learning", "matching", "records", "stats"},
    "cli": {*FRONT, "channels", "simulation", "upkeep", "web", "serving", "learning", "matching", "records", "stats"},
}
SUB_ROOMS: dict[str, dict[str, set[str]]] = {  # room -> sub-room -> the sub-rooms of the same room that it may import
    "learning": {
        "data": set(),
        "calibration": {"data"},
        "training": {"data", "calibration"},
        "robustness": {"data", "calibration"},
        "monitoring": {"calibration"},
        "lineage": {"data", "calibration"},
        "data_check": {"data", "calibration", "training"},
        "bundles": {"data", "calibration", "training", "robustness"},
        "gate": {"data", "calibration", "bundles"},
        "night": {"data", "calibration", "training", "bundles", "gate", "lineage", "monitoring", "data_check"},
    },
    "channels": {"receivers": set()},
    "web": {"api": set(), "staff": set(), "operations": set()},
}
ROOMLESS = {"errors", "settings", "decisions", "text", "near_duplicates", "progress", "redaction", "threads"}
OUTSIDE = {
    "hnswlib": {"matching/index.py"},
    "torch": {"learning"},
    "sentence_transformers": {"learning"},
    "flask": {"web", "app.py"},
    "sqlalchemy": {"records", "channels", "serving", "learning", "web", "simulation", "upkeep", "new_home.py", "demo"},
    "onnxruntime": {"matching/networks.py", "learning/training/rounding.py"},
    "ctranslate2": {"matching/networks.py", "learning/training/channels.py"},
}


def sources() -> list[Path]:
    """Every module of the package."""
    return sorted(PACKAGE.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """A module, parsed."""
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, inside functions and for type checking too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(room: str) -> dict[str, set[str]]:
    """Sub-room -> the other sub-rooms of a room that its modules import."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted((PACKAGE / room).rglob("*.py")):
        place = path.relative_to(PACKAGE / room).parts
        for name in imports(path):
            parts = name.split(".")
            if parts[:2] == ["helpdesk", room] and len(place) > 1 and (PACKAGE / room / parts[2]).is_dir():
                found[place[0]] |= {parts[2]} - {place[0]}
    return found


def strays(path: Path) -> Iterator[str]:
    """What a module imports and may not."""
    place = path.relative_to(PACKAGE)
    room = place.parts[0]
    for name in imports(path):
        parts = name.split(".")
        upwards = parts[0] == "helpdesk" and len(parts) > 1 and room in ROOMS
        if upwards and parts[1] not in ROOMS[room] | {room} | ROOMLESS:
            yield f"{place} imports {name}"
        if parts[0] in OUTSIDE and not {room, str(place)} & OUTSIDE[parts[0]]:
            yield f"{place} imports {name}"


def test_imports_point_one_way() -> None:
    """A room imports itself, the rooms below it and the modules that every room uses; nothing points back up."""
    assert [stray for path in sources() for stray in strays(path)] == []


@pytest.mark.parametrize("room", list(SUB_ROOMS))
def test_sub_rooms_import_what_is_listed(room: str) -> None:
    """Every sub-room has its line in the list, and the list holds no arrow that is not there, and no circle."""
    folders = {path.name for path in (PACKAGE / room).iterdir() if (path / "__init__.py").exists()}
    found = arrows(room)

    assert set(SUB_ROOMS[room]) == folders
    assert {name: found[name] for name in folders} == SUB_ROOMS[room]
    assert list(TopologicalSorter(found).static_order()) is not None


def too_long(path: Path) -> Iterator[str]:
    """A module of more than 300 lines, and its functions of more than 50."""
    place = path.relative_to(PACKAGE)
    if path.read_text().count("\n") > 300:
        yield str(place)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 50:
            yield f"{place}: {node.name}"


def test_files_and_functions_stay_readable() -> None:
    """No file over 300 lines, no function over 50."""
    assert [place for path in sources() for place in too_long(path)] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement", ["import helpdesk.cli.main", "import helpdesk.app", "import helpdesk.serving.live"]
)
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


def test_a_name_means_one_thing() -> None:
    """No class and no public constant is defined in two modules."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in sources():
        for node in tree(path).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            names = [target.id for target in targets if isinstance(target, ast.Name) and target.id.isupper()]
            names += [node.name] if isinstance(node, ast.ClassDef) else []
            for name in names:
                if not name.startswith("_"):
                    homes[name].append(str(path.relative_to(PACKAGE)))

    assert {name: found for name, found in homes.items() if len(found) > 1} == {}


def test_what_is_declared_is_locked() -> None:
    """In a version that will do. After a change of pyproject.toml: `make lock`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"]
    wanted = [project["project"]["dependencies"], project["dependency-groups"]["build"]]
    wanted += [lines for name, lines in extras.items() if name != "fuzz"]  # a tool that runs on few machines
    locked = {
        name: version.partition("+")[0]
        for path in (ROOT / "locks").glob("*.txt")
        for name, version in re.findall(r"^([a-z0-9.-]+)==([^\s;]+)", path.read_text(), re.MULTILINE)
    }
    for requirement in map(Requirement, (line for lines in wanted for line in lines)):
        name = canonicalize_name(requirement.name)
        if name != "helpdesk":
            assert locked.get(name, "none") in requirement.specifier, f"{requirement}: {locked.get(name)} is locked"
