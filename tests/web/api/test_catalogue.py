"""The FAQ is read in pages, and again only when it changed."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from helpdesk.records import faq
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.serving.live import LiveMatcher

FAQS = "/api/v1/faqs"


@pytest.mark.parametrize("limit", [1, 2, 5, 7])
def test_pages_hold_every_entry_once(client: FlaskClient, limit: int) -> None:
    """Whoever follows `next`, or the Link header, comes to the end."""
    path, seen = f"{FAQS}?limit={limit}", []
    while path:
        said = client.get(path)
        found: Any = said.json
        seen += [entry["intent"] for entry in found["faqs"]]
        path = found["next"]
        assert said.headers.get("Link") == (f'<{path}>; rel="next"' if path else None)

    assert seen == ["laptop", "password", "printer", "vpn", "wifi"]


def test_what_did_not_change_is_not_sent_again(client: FlaskClient, records: Database, live: LiveMatcher) -> None:
    """304 without a body until an entry changes; each page has its own tag."""
    first = client.get(FAQS)
    tag = {"If-None-Match": first.headers["ETag"]}
    again, other = client.get(FAQS, headers=tag), client.get(f"{FAQS}?limit=1", headers=tag)
    with records.write() as session:
        entry = Entry("vpn", question="Why no VPN?", answer="Restart it twice.", phrasings=())
        faq.store_entries(session, [entry], author="test")
    live.refresh()
    changed = client.get(FAQS, headers=tag)

    assert (again.status_code, again.data) == (304, b"")
    assert other.status_code == changed.status_code == 200
    assert "Restart it twice." in changed.text
    assert first.headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "limit=1_0", "limit=%2B5", "limit=", "after=%00", "limit=٣"])
def test_pages_that_are_none_are_refused(client: FlaskClient, query: str) -> None:
    """By name."""
    said = client.get(f"{FAQS}?{query}")

    assert said.status_code == 400
    assert query.partition("=")[0] in said.text


def test_nothing_comes_after_the_last(client: FlaskClient) -> None:
    """And a name that no entry has is a place like any other."""
    last: Any = client.get(f"{FAQS}?after=zzz").json
    middle: Any = client.get(f"{FAQS}?after=pa").json

    assert (last["faqs"], last["next"]) == ([], None)
    assert middle["faqs"][0]["intent"] == "password"
