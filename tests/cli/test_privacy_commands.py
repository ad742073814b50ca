"""`helpdesk erase`, `prune` and `export-person`, as an operator runs them."""

import json
from pathlib import Path

import pytest
from commands import run

from helpdesk.records.database import Database
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


def test_export_then_erase(settings: Settings, records: Database, live: LiveMatcher, tmp_path: Path) -> None:
    """A person gets what is stored, it goes, and the status says how far it is."""
    ChatService(records, live, settings).reply("the zyxo lamp hums", channel="rest", sender="eve")
    file = tmp_path / "eve.json"
    run(settings, "export-person", "--sender", "eve", str(file))
    assert "zyxo" in file.read_text()

    run(settings, "erase", code=2)
    certificate = json.loads(run(settings, "erase", "--sender", "eve").stdout)
    assert certificate["rows"]["messages"] == 1
    assert certificate["finished"]
    assert b"zyxo" not in b"".join(path.read_bytes() for path in settings.home.glob("helpdesk.db*"))
    assert "last copy 2" in run(settings, "erase", "--status").stdout
    run(settings, "export-person", "--sender", "eve", code=1)


def test_prune_needs_a_retention(settings: Settings) -> None:
    """Nothing is deleted that nobody asked for."""
    assert "HELPDESK_RETENTION_DAYS" in run(settings, "prune", code=1).stderr
