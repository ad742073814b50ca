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


def test_chats_are_asked_who_we_are_there(home: Path) -> None:
    """With calls that change nothing. A wrong token is told from a right one; chats that are sent nothing are named."""
    with other_system() as system:
        chats = {
            "HELPDESK_CHATWOOT_URL": system.url,
            "HELPDESK_CHATWOOT_TOKEN": "bt",
            "HELPDESK_CHATWOOT_SECRET": "s",
            "HELPDESK_SLACK_URL": system.url,
            "HELPDESK_SLACK_TOKEN": "xoxb",
            "HELPDESK_SLACK_SIGNING_SECRET": "s",
            "HELPDESK_MATTERMOST_TOKEN": "t",
        }
        said = run_in(home, "handover", "test", code=0, **chats).stdout.splitlines()
        wrong = chats | {"HELPDESK_CHATWOOT_TOKEN": "at", "HELPDESK_SLACK_TOKEN": "no"}
        agents = run_in(home, "handover", "test", code=1, **wrong).stdout.splitlines()
        unknown = run_in(home, "handover", "test", code=1, **chats | {"HELPDESK_CHATWOOT_TOKEN": "no"}).stdout
        assert system.stored == []

    assert said == [
        "chatwoot: the bot's token works",
        "slack: the token works, it is that of helpdesk of Example; the signing secret shows with the first event",
        "mattermost: not tested, nothing is sent to it: write a message to the bot there",
    ]
    assert agents[0].startswith("chatwoot: works, but HELPDESK_CHATWOOT_TOKEN is that of the agent Ann;")
    assert agents[1] == "slack: failed, Slack refused the token: invalid_auth"
    assert 'chatwoot: failed, it answered 401: {"error": "Invalid Access Token"}' in unknown
