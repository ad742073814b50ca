"""Commands in the documents' code blocks are run: ours in a home, requests against the application.

What learns for minutes is parsed with all its values, and run elsewhere (`test_quickstart.py`, `test_journey.py`).
What needs a container engine, a cluster or systemd is held against the files that it names.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml
from commands import run_in, run_process
from flask import Flask
from homes import share
from test_docs import DOCS, PAGES, ROOT

from helpdesk.cli.main import cli
from helpdesk.records.api_keys import Scope, add_key
from helpdesk.records.database import Database

DEPLOY = ROOT / "deploy"
LEARNS = ("retrain", "simulate", "demo", "init", "serve", "data check", "tenants run retrain")
MAY_LACK = ("rollback", "handover test", "faq merge", "data remove", "restore")  # what they name is not in every home
LACKS = re.compile(r"helpdesk: [^\n]+")


def block_lines() -> Iterator[str]:
    """Each line of the indented code blocks, without its comment; lines that go on are joined."""
    for page in PAGES:
        text = page.read_text().replace("\\\n", " ")
        for line in re.findall(r"^ {4,}(\S.*)$", text, flags=re.MULTILINE):
            yield re.split(r"\s{2,}# ", line)[0].strip()


def lines_of(*programs: str) -> list[str]:
    """The lines that call one of the programs, each once."""
    return sorted({line for line in block_lines() if line.split()[0] in programs})


OURS = lines_of("helpdesk")
OTHERS = lines_of("docker", "kubectl", "systemctl")


@pytest.mark.parametrize("line", OURS)
def test_commands_are_understood(line: str) -> None:
    """With all options and values, as click reads them."""
    command: click.Command = cli
    words = shlex.split(line)[1:]
    while isinstance(command, click.Group) and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    command.make_context("helpdesk", words, resilient_parsing=False)


@pytest.fixture(scope="module")
def folder(starter_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the files that the documents name, and the home of `helpdesk init`."""
    made = tmp_path_factory.mktemp("documents")
    shutil.copytree(starter_home, made / "home", copy_function=share)
    shutil.copytree(ROOT / "training_data", made / "training_data")
    for name in ("faq.csv", "my-faq.csv"):
        shutil.copy(ROOT / "training_data" / "faq.csv", made / name)
    shutil.copytree(made / "home", made / "tenants" / "shop", copy_function=share)
    run_in(made / "home", "faq", "export", str(made / "faq.xlsx"))
    (made / "banking77").mkdir()
    (made / "banking77" / "train.csv").write_text("text,category\nwhere is my card,card_arrival\ncard lost,lost_card\n")
    (made / "nlu.yml").write_text('version: "3.1"\nnlu:\n- intent: opening\n  examples: |\n    - when do you open\n')
    (made / "domain.yml").write_text('version: "3.1"\nresponses:\n  utter_opening:\n  - text: At nine.\n')
    return made


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in OURS if not line.removeprefix("helpdesk ").startswith(LEARNS)])
def test_commands_run(folder: Path, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a home with the starter FAQ. One that names a number may find that it is not there, and says so."""
    monkeypatch.chdir(shutil.copytree(folder, tmp_path / "here", copy_function=share))
    if line.startswith("helpdesk tenants"):
        monkeypatch.setenv("HELPDESK_TENANTS", "tenants")
    words = [word.removeprefix("/backups/") for word in shlex.split(line)[1:]]
    run = run_process if "--format" in words else run_in  # bytes need a real standard output
    fault = ""
    try:
        run(Path("home"), *words)
    except AssertionError as failed:
        fault = str(failed).split("\nassert ")[0].strip()
    if re.search(r" \d+\b", line) or line.removeprefix("helpdesk ").startswith(MAY_LACK):
        assert not fault or LACKS.fullmatch(fault)
    else:
        assert not fault


@pytest.mark.parametrize("line", lines_of("curl"))
def test_requests_are_answered(app: Flask, records: Database, line: str) -> None:
    """A `curl` line, as the application sees it; `$KEY` is a key for everything."""
    with records.write() as session:
        key = add_key(session, "shop", scopes=list(Scope), author="ann").token
    line = line.replace("$KEY", key)
    words = shlex.split(line)[1:]
    (address,) = (word for word in words if word.startswith("localhost:8000"))
    headers = [word.split(": ", 1) for option, word in pairwise(words) if option == "-H"]
    bodies = [word for option, word in pairwise(words) if option in ("-d", "--data")]
    answer = app.test_client().open(
        address.removeprefix("localhost:8000"),
        method="POST" if bodies else "GET",
        data=bodies[0] if bodies else None,
        headers=dict(headers),
    )

    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("line", OTHERS)
def test_what_engines_are_told_is_there(line: str) -> None:
    """Files, images, services, units and objects that a line names are shipped."""
    words = shlex.split(line)
    assert [word for word in words if word.startswith("deploy/") and not (ROOT / word).exists()] == []
    if words[0] == "systemctl":
        units = [word for word in words if word.endswith((".service", ".timer"))]
        assert [unit for unit in units if not (DEPLOY / unit).exists()] == []
    elif words[0] == "kubectl":
        items = yaml.safe_load((DEPLOY / "kubernetes.yaml").read_text())["items"]
        names = {f"{item['kind'].lower()}/{item['metadata']['name']}" for item in items}
        assert {word for word in words if re.fullmatch(r"[a-z]+/[a-z-]+", word)} <= names
    elif "--target" in words:
        assert f" AS {words[words.index('--target') + 1]}\n" in (DEPLOY / "Dockerfile").read_text()
    else:
        services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
        assert {word for word in words if word in ("init", "web", "night")} <= set(services)


def test_every_command_is_looked_at() -> None:
    """The search finds commands of each kind; a page cannot hide one in a form that is not read."""
    assert len(OURS) > 40
    assert {line.split()[0] for line in OTHERS} == {"docker", "kubectl", "systemctl"}
    assert DOCS / "quickstart.md" in PAGES
