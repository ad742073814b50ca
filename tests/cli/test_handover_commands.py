"""Sending by hand, and trying receivers."""

from pathlib import Path
from shutil import copytree

import pytest
from commands import run_in
from other_systems import SECRET, other_system, store_case

from helpdesk.records.database import open_database
from helpdesk.records.deliveries import queue_deliveries
from helpdesk.settings import load_settings


@pytest.fixture
def home(empty_home: Path, tmp_path: Path) -> Path:
    return copytree(empty_home, tmp_path, dirs_exist_ok=True)


def test_what_is_due_is_sent_by_hand(home: Path) -> None:
    """What failed is said, and ends with 1."""
    database = open_database(load_settings(home=home))
    for sender in ("a", "b"):
        case_id = store_case(database, sender=sender)
        with database.write() as session:
            queue_deliveries(session, case_id, ["webhook"])
    with other_system() as system:
        system.faults.append(500)
        hook = {"HELPDESK_HANDOVER_WEBHOOK_URL": system.url, "HELPDESK_HANDOVER_WEBHOOK_SECRET": SECRET}
        assert run_in(home, "deliver", code=1, **hook).stdout == "1 sent, 1 failed; 1 wait, 0 dead\n"
        assert run_in(home, "deliver", code=0, **hook).stdout == "0 sent, 0 failed; 1 wait, 0 dead\n"
    database.close()


def test_receivers_are_tried_each_by_itself(home: Path) -> None:
    """One that fails does not hide another; a made-up case is not stored."""
    with other_system() as system:
        zammad = {
            "HELPDESK_ZAMMAD_URL": system.url,
            "HELPDESK_ZAMMAD_TOKEN": "t",
            "HELPDESK_ZAMMAD_CUSTOMER": "a@b.example",
        }
        mail = {"HELPDESK_SMTP_HOST": "127.0.0.1", "HELPDESK_SMTP_PORT": "1", "HELPDESK_MAIL_FROM": "a@b.example"}
        said = run_in(home, "handover", "test", code=1, **zammad, **mail, HELPDESK_MAIL_TO="c@b.example").stdout
        assert said.splitlines() == [
            "email: failed, the mail server cannot be reached (Connection refused)",
            "zammad: sent, ticket 60100",
        ]
        assert run_in(home, "handover", "test", code=0, **zammad).stdout == "zammad: sent, ticket 60101\n"
    assert "no receiver is set up" in run_in(home, "handover", "test", code=1).stderr
