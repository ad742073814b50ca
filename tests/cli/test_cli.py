"""The commands, run as people run them."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import click
import pytest
from commands import HELPDESK, run, run_in, run_process
from homes import share

from helpdesk.cli.data import data
from helpdesk.records.examples import TEXT_COLUMNS
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


def test_init_makes_everything_once(starter_home: Path, tmp_path: Path) -> None:
    """The first run loads the starter FAQ, makes a login and a bundle; the second keeps them and says nothing."""
    home = Path(shutil.copytree(starter_home, tmp_path / "home", copy_function=share))
    first = (home / "init.log").read_text()
    second = run_in(home, "init").stdout

    assert "51 intents (51 new)" in first
    assert "admin / " in first
    assert "version 1 (first) is in service" in first
    assert second.startswith("hand-over: "), "nothing but who is told"
    assert (home / "secret_key").stat().st_mode & 0o077 == 0
    assert "answer" in run_process(home, "match", "i forgot my password").stdout


def test_match_shows_ranking_and_reason(settings: Settings) -> None:
    """For people, and as JSON."""
    text = run(settings, "match", "cant log in to vpn").stdout
    found = json.loads(run(settings, "match", "cant log in to vpn", "--json").stdout)

    assert "vpn" in text
    assert "thresholds" in text
    assert found["ranking"][0]["intent"] == "vpn"
    assert {"kind", "reason", "confidence", "version"} <= set(found)


def test_labelled_csv_loads_as_it_is(settings: Settings, tmp_path: Path) -> None:
    """`text,category` rows become intents and phrasings; whoever answers for them can be left out."""
    path = tmp_path / "bank.csv"
    path.write_text("text,category\nwhere is my card,card_arrival\nmy card is late,card_arrival\nfrozen,card_frozen\n")

    said = run(settings, "faq", "import", str(path), "--author", "bank").stdout

    assert "2 intents (2 new), 3 new phrasings" in said
    assert (
        "left out: 5 rows (annotator=bank)"
        in run(settings, "retrain", "--no-finetune", "--without", "annotator=bank").stdout
    )


def test_an_import_and_a_publication_name_the_texts_of_other_entries(settings: Settings, tmp_path: Path) -> None:
    """One line each; nothing is refused."""
    path = tmp_path / "more.csv"
    path.write_text("intent,question,answer,phrasing\nphone,No phone?,So.,VPN not connecting\n")
    line = '"vpn not connecting" is a phrasing of vpn and phone: it is asked which one is meant\n'

    assert run(settings, "faq", "import", str(path)).stdout.endswith(line)
    assert "asked" not in run(settings, "faq", "unpublish", "vpn").stdout
    assert run(settings, "faq", "publish", "vpn").stdout.endswith(line)


def test_entries_are_renamed_and_merged(settings: Settings) -> None:
    """By any form of their names; what is asked is answered under the new ones, before any night."""
    assert run(settings, "faq", "rename", "VPN", "Remote Access").stdout == "vpn is remote_access now\n"
    assert (
        run(settings, "faq", "merge", "wifi", "vpn").stdout == "wifi is part of remote_access now, which is published\n"
    )
    assert "remote_access" in run(settings, "match", "wifi not working").stdout
    assert "already" in run(settings, "faq", "rename", "printer", "wifi", code=1).stderr


def test_bad_rows_stop_an_import_unless_they_are_skipped(settings: Settings, tmp_path: Path) -> None:
    """Each is reported with its line; nothing is written."""
    path = tmp_path / "bad.csv"
    path.write_text("text,intent\ngood,new_one\n???,new_one\nno intent,\n")
    refused = run(settings, "faq", "import", str(path), code=1)

    assert "line 3" in refused.stderr
    assert "line 4: intent is empty" in refused.stderr
    assert "new_one" not in run(settings, "faq", "list").stdout
    skipped = run(settings, "faq", "import", str(path), "--skip-bad")
    assert "skipped line 3" in skipped.stderr
    assert "1 new phrasing," in skipped.stdout


def test_other_kinds_of_training_data_come_and_go(settings: Settings, tmp_path: Path) -> None:
    """Imported by their columns, listed with their source, exported, removed; labelled rows join the FAQ."""
    pairs, bad, labelled = tmp_path / "pairs.csv", tmp_path / "bad.csv", tmp_path / "rows.csv"
    pairs.write_text("text_a,text_b\nvpn is down,the tunnel is dead\n")
    bad.write_text("text_a,text_b,similar\na,b,1\nc,d,maybe\n")
    labelled.write_text("text,intent\nmy badge is blocked,badge\n")

    assert "positive: 1 new rows, 0 known" in run(settings, "data", "import", str(pairs), "--author", "eve").stdout
    assert "line 3: similar is 'maybe'" in run(settings, "data", "import", str(bad), code=1).stderr
    assert "1 new rows" in run(settings, "data", "import", str(bad), "--skip-bad", "--source", "crm").stdout
    assert "1 intent (1 new)" in run(settings, "data", "import", str(labelled)).stdout
    listed = run(settings, "data", "list").stdout
    assert "1 from pairs.csv by eve" in listed
    assert "1 from crm by import" in listed
    assert run(settings, "data", "export", "positive").stdout == pairs.read_text()
    assert "1 rows of crm removed" in run(settings, "data", "remove", "crm").stdout
    assert "no examples from 'crm'" in run(settings, "data", "remove", "crm", code=1).stderr


def test_every_kind_can_be_exported() -> None:
    """The command line knows the kinds that the records know."""
    kind = data.commands["export"].params[0].type

    assert isinstance(kind, click.Choice)
    assert list(kind.choices) == list(TEXT_COLUMNS)


@pytest.mark.parametrize("name", ["faq.csv", "faq.json"])
def test_an_export_imports_again(settings: Settings, tmp_path: Path, name: str) -> None:
    """Nothing is new on the way back."""
    run(settings, "faq", "export", str(tmp_path / name))

    said = run(settings, "faq", "import", str(tmp_path / name)).stdout

    assert "(0 new), 0 new phrasings" in said


def test_versions_promote_and_rollback(settings: Settings, tmp_path: Path) -> None:
    """A new version, back, and forth again; a damaged one is refused."""
    path = tmp_path / "more.csv"
    path.write_text("text,intent\nmy badge is blocked,badge\nthe door does not open,badge\n")
    run(settings, "faq", "import", str(path))
    assert "version 2 (refreshed) is in service" in run(settings, "retrain", "--no-finetune").stdout
    assert "version 1 is in service" in run(settings, "rollback").stdout
    assert "version 2 is in service" in run(settings, "versions", "promote", "2").stdout
    listed = json.loads(run(settings, "versions", "--json").stdout)
    assert [(v["version"], v["in_service"]) for v in listed] == [(2, True), (1, False)]

    damaged = next(p for p in settings.bundles.iterdir() if "first" in p.name) / "vectors.npy"
    damaged.unlink()
    damaged.write_bytes(b"nonsense")
    assert "vectors.npy" in run(settings, "rollback", code=1).stderr
    assert "no version 9" in run(settings, "versions", "promote", "9", code=1).stderr


def test_retrain_refuses_what_makes_no_sense(settings: Settings) -> None:
    """Options that do not go together, and a source that nobody knows."""
    assert "go with --without" in run(settings, "retrain", "--since", "2026-11-01", code=2).stderr
    assert "no row matches annotator=bob" in run(settings, "retrain", "--without", "annotator=bob", code=1).stderr
    assert run(settings, "exclusions").stdout == ""


def test_errors_are_one_line_and_exit_1(tmp_path: Path) -> None:
    """No traceback for what the operator can mend."""
    assert "run `helpdesk init`" in run_process(tmp_path, "serve", code=1).stderr
    assert "expected e.g. postgresql" in run_process(tmp_path, "init", code=1, HELPDESK_DATABASE_URL="x").stderr
    assert "HELPDESK_PORT='a'" in run_process(tmp_path, "serve", code=1, HELPDESK_PORT="a").stderr


def test_config_hides_secrets() -> None:
    """Every setting is printed, no secret is."""
    environment = os.environ | {"HELPDESK_SECRET_KEY": "hunter2", "HELPDESK_DATABASE_URL": "postgresql://u:pw@h/d"}
    said = subprocess.run([*HELPDESK, "config"], capture_output=True, text=True, env=environment, check=True).stdout

    assert "HELPDESK_WORKERS=2" in said
    assert "hunter2" not in said
    assert "pw@h" not in said
