"""The API does what its document says of whatever schemathesis thinks of."""

import pytest
from flask import Flask
from fuzz_api import closed, fuzz

from helpdesk.records.database import Database
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


def test_an_open_api_does_what_its_document_says(app: Flask) -> None:
    """No fault of ours, nothing that is not described; benchmarks/fuzz_api.py sends more."""
    found = fuzz(app, cases=60)

    assert found.cases > 300
    assert (found.failures, found.errors) == ({}, [])


def test_a_closed_api_does_too(settings: Settings, records: Database) -> None:
    """With a key; what goes without one is found."""
    found = fuzz(*closed(settings, records), cases=100, coverage=False)

    assert found.cases > 60
    assert (found.failures, found.errors) == ({}, [])
