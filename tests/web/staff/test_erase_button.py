"""Admins erase a conversation on its page, and see what was erased."""

import json

import pytest
from clients import ask, post
from flask.testing import FlaskClient
from sqlalchemy import func, select

from helpdesk.records import leases
from helpdesk.records.database import Database
from helpdesk.records.tables import ErasureRow, Message
from helpdesk.settings import Settings


@pytest.fixture
def page(ann: FlaskClient) -> str:
    """The page of a conversation."""
    ask(ann, "the zyxo lamp hums")
    return "/desk/conversations/1"


def messages(records: Database) -> int:
    """How many there are."""
    with records.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_a_conversation_is_erased_with_a_certificate(
    ann: FlaskClient, page: str, records: Database, settings: Settings
) -> None:
    """The button is on its page; afterwards there is no such page, and a row and a file say what went."""
    assert "Erase" in ann.get(page).text
    done = post(ann, f"{page}/erase", page=page, what="sender", sure="yes")

    assert done.status_code == 303
    assert messages(records) == 0
    assert ann.get(page).status_code == 404
    assert "1 messages" in ann.get("/desk/erasures").text
    [file] = (settings.home / "certificates").glob("*.json")
    assert json.loads(file.read_text())["scope"] == "sender"


@pytest.mark.parametrize("form", [{"what": "sender"}, {"what": "everything", "sure": "yes"}, {}])
def test_nothing_is_erased_by_accident(ann: FlaskClient, page: str, records: Database, form: dict[str, str]) -> None:
    """It must be meant, and be one of the two."""
    assert post(ann, f"{page}/erase", page=page, **form).status_code == 400
    assert messages(records) == 1


def test_labellers_do_not_erase(bob: FlaskClient, ann: FlaskClient, page: str, records: Database) -> None:
    """They neither see the button nor may they use it."""
    assert "Erase" not in bob.get(page).text
    assert post(bob, f"{page}/erase", page="/desk/account", what="sender", sure="yes").status_code == 403
    assert bob.get("/desk/erasures").status_code == 403
    assert messages(records) == 1


def test_a_running_night_is_waited_for(ann: FlaskClient, page: str, records: Database) -> None:
    """It has read the messages already."""
    with records.write() as session:
        leases.take(session, "night", holder=leases.Holder("o", "host", 1, "p"), seconds=60)
    refused = post(ann, f"{page}/erase", page=page, what="conversation", sure="yes")

    assert refused.status_code == 409
    assert "try again" in refused.text
    with records.read() as session:
        assert session.scalars(select(ErasureRow)).first() is None
