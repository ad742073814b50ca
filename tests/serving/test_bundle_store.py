"""Hosts that share a store of bundles: each answers from verified copies of its own."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from pydantic import SecretStr

from helpdesk.errors import UnavailableError
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import MANIFEST, READ_WHEN_SERVING
from helpdesk.matching.bundle_store import open_store
from helpdesk.progress import Quiet
from helpdesk.records import faq, heartbeats, versions
from helpdesk.records.database import Database
from helpdesk.records.faq import Entry
from helpdesk.serving.live import LiveMatcher, NodeState
from helpdesk.serving.node_bundles import NodeBundles
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings
from helpdesk.simulation.broken import promote_always

BADGE = Entry("badge", question="My badge does not open the door.", answer="Go to reception.")


@pytest.fixture
def shared(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> Iterator[Settings]:
    """The host that built the first version, and a store that has nothing yet."""
    url = f"file://{tmp_path}/store" if getattr(request, "param", "file") == "file" else f"memory://{tmp_path.name}"
    address = SecretStr(settings.database)
    yield settings.model_copy(update={"bundle_store": url, "database_url": address})
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def host(shared: Settings, tmp_path: Path) -> Settings:
    """Another host over the same database, with an empty home."""
    (tmp_path / "other").mkdir()
    return shared.model_copy(update={"home": tmp_path / "other"})


def learn(settings: Settings, records: Database) -> str:
    """A night that puts a version in service; the name of its bundle."""
    with records.write() as session:
        faq.store_entries(session, [BADGE], author="ann", source="edit")
    run_night(settings, records, plan=Plan(minutes=1, finetune=False), progress=Quiet(), gate=promote_always)
    with records.read() as session:
        current = versions.current(session)
    assert current is not None
    return current.directory


def following(settings: Settings, records: Database) -> LiveMatcher:
    """What a host serves after one look."""
    matcher = LiveMatcher(records, settings)
    matcher.refresh()
    return matcher


@pytest.mark.parametrize("shared", ["file", "memory"], indirect=True)
def test_what_one_host_learns_another_serves(shared: Settings, host: Settings, records: Database) -> None:
    """The first night fills the store with what was there; another host copies what it reads to answer, no more."""
    name = learn(shared, records)
    live = following(host, records)

    assert live.status().version_id == 2
    assert len(open_store(host).names()) == 2
    copied = {path.relative_to(host.bundles / name).as_posix() for path in (host.bundles / name).rglob("*.*")}
    read = {file for file in READ_WHEN_SERVING if (shared.bundles / name / file).is_file()}
    assert copied == read | {MANIFEST}
    now = live.take()
    assert now is not None
    assert now.match("my badge does not open the door").intent == "badge"


def test_a_host_goes_back_to_a_version_that_it_never_had(shared: Settings, host: Settings, records: Database) -> None:
    """A rollback, by command on that host."""
    learn(shared, records)
    live = following(host, records)
    put_in_service(host, records, 1, reason=versions.ROLLBACK)
    live.refresh()

    assert live.status().version_id == 1


@pytest.mark.parametrize("part", ["vectors.npy", MANIFEST])
def test_what_is_damaged_in_the_store_is_never_opened(
    shared: Settings, host: Settings, records: Database, part: str
) -> None:
    """Its copy gets no name; what the host has goes on serving, and says what is wrong."""
    name = learn(shared, records)
    system, root = fsspec.url_to_fs(shared.bundle_store)
    damaged = bytearray(system.cat_file(f"{root}/{name}/{part}"))
    damaged[len(damaged) // 2] ^= 1
    system.pipe_file(f"{root}/{name}/{part}", bytes(damaged))
    live = following(host, records)

    assert live.status().version_id == 1, "the version before, from the store"
    assert name in (live.status().problem or "")
    assert open_store(host).here() == open_store(host).names() - {name}


def test_without_the_store_a_host_serves_what_it_has_and_follows_when_it_is_back(
    shared: Settings, host: Settings, records: Database
) -> None:
    """A promotion that cannot be copied is tried again, and edits take effect meanwhile."""
    name = learn(shared, records)
    with records.write() as session:
        versions.promote(session, 1, reason="rollback", author="test")
    live = following(host, records)
    store = Path(str(host.bundle_store).removeprefix("file://"))
    store.rename(store.with_name("away"))
    with records.write() as session:
        versions.promote(session, 2, reason="again", author="test")
        faq.set_status(session, "vpn", status="draft", author="ann")
    live.refresh()
    status, now = live.status(), live.take()

    assert now is not None
    assert (status.state, status.version_id, "vpn" in now.faq) == (NodeState.LAGGING, 1, False)
    assert f"has no {name}" in (status.problem or "")
    store.with_name("away").rename(store)
    live.refresh()
    assert (live.status().state, live.status().version_id) == (NodeState.SERVING, 2)


def test_a_night_without_the_store_promotes_nothing(shared: Settings, records: Database, tmp_path: Path) -> None:
    """Other hosts could not follow."""
    (tmp_path / "file").write_text("no folder")
    nowhere = shared.model_copy(update={"bundle_store": f"file://{tmp_path}/file/store"})
    with pytest.raises(UnavailableError, match="does not answer"):
        learn(nowhere, records)

    with records.read() as session:
        assert versions.current(session) == versions.Current(1, 1, _only(shared.bundles))


def test_a_damaged_copy_is_mended_from_the_store(shared: Settings, host: Settings, records: Database) -> None:
    """At the next opening, and only what is damaged is copied."""
    name = learn(shared, records)
    following(host, records)
    kept = (host.bundles / name / "exact.json").stat().st_ino
    (host.bundles / name / "vectors.npy").write_bytes(b"half")
    live = following(host, records)

    assert live.status().state == NodeState.SERVING
    assert (host.bundles / name / "exact.json").stat().st_ino == kept


def test_copies_go_when_the_store_has_them_no_more(shared: Settings, host: Settings, records: Database) -> None:
    """But not while a process serves one, nor when the store lacks what is in service: it is another one then."""
    name = learn(shared, records)
    following(host, records)
    put_in_service(host, records, 1, reason="test")
    store, bundles = open_store(host), NodeBundles(records, host)
    store.remove(name)
    with records.write() as session:
        heartbeats.note(session, heartbeats.Heartbeat("here", 1, version_id=2))
    bundles.tidy(at_once=True)
    assert name in store.here()
    NodeBundles(records, host.model_copy(update={"bundle_store": "memory://empty"})).tidy(at_once=True)
    with records.write() as session:
        heartbeats.note(session, heartbeats.Heartbeat("here", 1, version_id=1))
    assert len(store.here()) == 2
    bundles.tidy(at_once=False)
    assert len(store.here()) == 2, "ten minutes have not gone by"
    bundles.tidy(at_once=True)

    assert store.here() == {_other(store.names(), name)}


def _only(folder: Path) -> str:
    (found,) = (path.name for path in folder.iterdir() if (path / MANIFEST).is_file())
    return found


def _other(names: set[str], name: str) -> str:
    (found,) = names - {name}
    return found
