"""Keys on both databases: only their hashes are stored, and what does not count is not found."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from helpdesk.errors import BadInputError, ConflictError, HelpdeskError, NotFoundError
from helpdesk.records import api_keys
from helpdesk.records.api_keys import Scope
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.tables import ApiKey, AuditLogRow


def add(database: Database, name: str = "shop", **more: object) -> str:
    """A new key; what is shown once."""
    options = {"scopes": [Scope.MESSAGES], "author": "ann"} | more
    with database.write() as session:
        return api_keys.add_key(session, name, **options).token  # type: ignore[arg-type]


def counts(database: Database, token: str) -> bool:
    """Whether a key is found."""
    with database.read() as session:
        return api_keys.find_key(session, token) is not None


def test_a_key_is_found_by_its_hash_alone(database: Database) -> None:
    """Neither its row nor the log of who changed what holds more than its beginning."""
    token = add(database)

    assert counts(database, token)
    assert not counts(database, token[:-1])
    with database.read() as session:
        row = session.scalars(select(ApiKey)).one()
        log = session.scalars(select(AuditLogRow)).one()
    stored = " ".join(map(str, (*vars(row).values(), log.subject, log.details)))
    assert token.startswith(row.prefix)
    assert token not in stored
    assert (log.action, log.author, log.subject) == ("key.added", "ann", "shop")


def test_a_revoked_key_does_not_count(database: Database) -> None:
    """From then on; revoked again nothing happens, and its name is free."""
    token = add(database)
    for _ in range(2):
        with database.write() as session:
            (row,) = api_keys.list_keys(session)
            api_keys.revoke_key(session, row.id, author="bob")

    assert not counts(database, token)
    assert counts(database, add(database))
    with database.read() as session:
        actions = list(session.scalars(select(AuditLogRow.action).order_by(AuditLogRow.id)))
        assert [api_keys.counts(row) for row in api_keys.list_keys(session)] == [True, False]
    assert actions == ["key.added", "key.revoked", "key.added"]


def test_a_key_expires(database: Database) -> None:
    """At its time; its site's pages may not call any more either."""
    token = add(database, origins=["https://shop.example"], days=7)
    with database.read() as session:
        assert api_keys.site_origins(session) == {"https://shop.example"}
    with database.write() as session:
        session.execute(update(ApiKey).values(expires_at=now() - timedelta(seconds=1)))

    assert not counts(database, token)
    with database.read() as session:
        assert api_keys.site_origins(session) == set()


def test_one_name_is_one_key(database: Database) -> None:
    """However many ask for it at the same moment."""

    def attempt(_: int) -> bool:
        try:
            return bool(add(database))
        except ConflictError:
            return False

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(attempt, range(4))) == 1


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        (" ", {}, "name"),
        ("a\nb\x00", {}, "name"),
        ("x" * 81, {}, "expected 1 to 80 characters"),
        ("a", {"scopes": []}, "none; expected some of messages"),
        ("a", {"scopes": ["root"]}, "root; expected some of"),
        ("a", {"scopes": ["internals"], "origins": ["https://a.example"]}, "scopes of a site key: internals"),
        ("a", {"origins": ["https://*.example.org"]}, "is no origin"),
        ("a", {"origins": ["shop.example"]}, "is no origin"),
        ("a", {"days": 0}, "days is 0; expected 1 to 3,650"),
        ("a", {"days": 10**9}, "expected 1 to 3,650"),
    ],
)
def test_what_will_not_do_is_refused(database: Database, name: str, options: dict[str, object], words: str) -> None:
    """By name, with what was expected; nothing is stored."""
    with pytest.raises(BadInputError, match=words.replace("*", r"\*")):
        add(database, name, **options)
    with database.read() as session:
        assert not api_keys.list_keys(session)


def test_a_key_that_is_not_there_cannot_be_revoked(database: Database) -> None:
    """And says so."""
    error: type[HelpdeskError] = NotFoundError
    with database.write() as session, pytest.raises(error, match="no key 7"):
        api_keys.revoke_key(session, 7, author="ann")


def test_use_is_noted_now_and_then(database: Database) -> None:
    """Most uses write nothing; one after a while does."""
    add(database)
    with database.write() as session:
        (row,) = api_keys.list_keys(session)
        assert api_keys.needs_note(row)
        api_keys.note_use(session, row)
    with database.read() as session:
        (row,) = api_keys.list_keys(session)
        assert not api_keys.needs_note(row)
    with database.write() as session:
        session.execute(update(ApiKey).values(last_used_at=now() - timedelta(minutes=11)))
    with database.read() as session:
        (row,) = api_keys.list_keys(session)
        assert api_keys.needs_note(row)
