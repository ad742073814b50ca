"""The database goes away in the middle of a page: somebody is logged in already, and is told what happened."""

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from homes import copy_home
from sqlalchemy.orm import Session

from helpdesk.errors import UnavailableError
from helpdesk.records import cases
from helpdesk.settings import Settings
from helpdesk.web.staff import desk


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A home whose staff look into the inbox, so that every page counts what waits there."""
    return copy_home(tiny_home, tmp_path, base_model=str(tiny_base), inbox=True)


def test_the_page_that_says_so_needs_no_database(ann: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503 with the headers of every page, not a raw 500."""

    def away(session: Session, **_: object) -> None:
        raise UnavailableError("no answer within 5 seconds")

    monkeypatch.setattr(desk, "count_tabs", away)
    monkeypatch.setattr(cases, "read_backlog", away)
    answer = ann.get("/desk")

    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert "Content-Security-Policy" in answer.headers
    assert "the database does not answer" in answer.text
