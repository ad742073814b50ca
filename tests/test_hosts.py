"""Three hosts over one PostgreSQL and one store of bundles: they follow each other, and survive each other."""

import os
import signal
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from homes import LENIENT, make_home
from nodes import Node, People, wait_until
from sqlalchemy import create_engine, func, make_url, select, text

from helpdesk.errors import BusyError
from helpdesk.learning.night.lock import LOCK, one_night
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import faq, nights, versions
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Message
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import promote_always

pytestmark = pytest.mark.slow
BADGE = Entry("badge", question="My badge does not open the door.", answer="Go to reception.")


@pytest.fixture(scope="module")
def hosts(postgresql_url: str, tiny_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Settings]]:
    """The settings of three hosts; the first one made the database and the first version."""
    server, name = make_url(postgresql_url), "hosts"
    administration = create_engine(server, isolation_level="AUTOCOMMIT")
    with administration.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template_helpdesk"))
    folder = tmp_path_factory.mktemp("hosts")
    shared = {
        "base_model": str(tiny_base),
        "database_url": server.set(database=name).render_as_string(hide_password=False),
        "bundle_store": f"file://{folder}/store",
        "secret_key": "x" * 64,
        "limit_session": "none",
    }
    homes = [folder / name for name in ("a", "b", "c")]
    for home in homes:
        home.mkdir()
    settings = [load_settings(home=home, **LENIENT, **shared) for home in homes]
    make_home(settings[0])
    yield settings
    with administration.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    administration.dispose()


@pytest.fixture
def database(hosts: list[Settings]) -> Iterator[Database]:
    """The one that they share."""
    opened = open_database(hosts[0])
    yield opened
    opened.close()


@pytest.fixture
def nodes(hosts: list[Settings]) -> Iterator[list[Node]]:
    """All three serve the first version; two had to copy it."""
    made = [Node(one.home, os.environ | {"HF_HUB_OFFLINE": "1"} | _environment(one)) for one in hosts]
    try:
        for node in made:
            node.start()
        for node in made:
            wait_until(lambda node=node: node.version() == 1)  # type: ignore[misc]
        yield made
    finally:
        for node in made:
            node.end()


def _environment(settings: Settings) -> dict[str, str]:
    assert settings.database_url
    assert settings.secret_key
    return {
        "HELPDESK_DATABASE_URL": settings.database_url.get_secret_value(),
        "HELPDESK_SECRET_KEY": settings.secret_key.get_secret_value(),
        "HELPDESK_BUNDLE_STORE": str(settings.bundle_store),
        "HELPDESK_LIMIT_SESSION": settings.limit_session,
        "HELPDESK_DATABASE_TIMEOUT": "2",
    }


def learn(settings: Settings, database: Database) -> None:
    """A night on one host, in which a version is promoted."""
    with database.write() as session:
        faq.store_entries(session, [BADGE], author="ann", source="edit")
    run_night(settings, database, plan=Plan(minutes=1, finetune=False), progress=Quiet(), gate=promote_always)


def stored(database: Database) -> int:
    """The messages in the database."""
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


def test_one_is_killed_and_one_stands_still_while_versions_change(
    hosts: list[Settings], nodes: list[Node], database: Database
) -> None:
    """Nothing is lost or stored twice, and no conversation goes back, whichever host answers it next.

    A night on the second host while the third stands still; then the second is killed, and a rollback follows.
    """
    with one_night(hosts[0].home / LOCK, database), pytest.raises(BusyError, match="running already"):
        learn(hosts[1], database)
    people = People(nodes, senders=4)
    people.begin()
    try:
        people.talk_on(3)
        nodes[2].signal(signal.SIGSTOP)
        learn(hosts[1], database)
        wait_until(lambda: nodes[0].version() == nodes[1].version() == 2)
        people.talk_on(3)
        nodes[2].signal(signal.SIGCONT)
        wait_until(lambda: nodes[2].version() == 2)
        nodes[1].signal(signal.SIGKILL)
        put_in_service(hosts[2], database, 1, reason=versions.ROLLBACK)
        wait_until(lambda: nodes[0].version() == nodes[2].version() == 1)
        people.talk_on(3)
    finally:
        people.end()

    assert people.refused == []
    assert stored(database) == people.total()
    assert {tuple(version for version, _ in groupby(told)) for told in people.answered.values()} == {(1, 2, 1)}
    with database.read() as session:
        night = nights.last_night(session)
        assert night is not None
        assert nights.read_report(session, night) is not None
