"""Whoever uses the pages in tests: a stranger, and two people at the desk, each in a browser of their own."""

import pytest
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient
from homes import PASSWORD

from helpdesk.records import staff
from helpdesk.records.database import Database


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who is not logged in."""
    return app.test_client()


@pytest.fixture
def ann(client: FlaskClient) -> FlaskClient:
    """Somebody who is logged in, an admin."""
    assert log_in(client).status_code == 303
    return client


@pytest.fixture
def bob(app: Flask, records: Database) -> FlaskClient:
    """Somebody else, a labeller."""
    with records.write() as session:
        staff.add_staff(session, "bob", password=PASSWORD)
    other = app.test_client()
    assert log_in(other, name="bob").status_code == 303
    return other
