"""`helpdesk key`: made, listed and revoked from the command line."""

import pytest
from commands import run
from sqlalchemy import select

from helpdesk.records.api_keys import find_key
from helpdesk.records.database import Database
from helpdesk.records.tables import AuditLogRow
from helpdesk.settings import Settings


def test_a_key_is_made_listed_and_revoked(settings: Settings, records: Database) -> None:
    """Only the key is on standard output, so that a script can take it; the list shows its beginning."""
    made = run(settings, "key", "add", "shop", "--scope", "match", "--scope", "search", "--days", "30")
    key = made.stdout.strip()
    with records.read() as session:
        row = find_key(session, key)
    assert row is not None

    listed = run(settings, "key", "list").stdout
    revoked = run(settings, "key", "revoke", str(row.id)).stdout

    assert "server key shop for search, match (shown this once)" in made.stderr
    assert key not in listed
    assert [word in listed for word in (row.prefix, "counts", "never used", "search,match", "shop")] == [True] * 5
    assert revoked == "the key shop does not count any more\n"
    assert "revoked" in run(settings, "key", "list").stdout
    with records.read() as session:
        assert find_key(session, key) is None
        log = session.execute(select(AuditLogRow.action, AuditLogRow.author)).tuples().all()
    assert {("key.added", "command line"), ("key.revoked", "command line")} <= set(log)


def test_a_site_key_has_origins(settings: Settings) -> None:
    """Without --scope it may send messages and feedback."""
    made = run(settings, "key", "add", "site", "--origin", "https://shop.example", "--origin", "https://b.example")

    assert made.stdout.startswith("site_")
    assert "site key site for messages, feedback" in made.stderr
    assert "https://shop.example https://b.example" in run(settings, "key", "list").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("add", "x", "--origin", "https://*.example.org"), "is no origin; expected one such as https://shop.example"),
        (("add", "x", "--days", "0"), "days is 0; expected 1 to 3,650"),
        (("add", " "), "expected 1 to 80 characters"),
        (("revoke", "9"), "no key 9"),
    ],
)
def test_what_will_not_do_is_one_line(settings: Settings, words: tuple[str, ...], said: str) -> None:
    """With exit code 1."""
    assert said in run(settings, "key", *words, code=1).stderr
