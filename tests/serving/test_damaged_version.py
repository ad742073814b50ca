"""A process that starts while files of the version in service are damaged."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from clients import log_in
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from versions_apart import flip, own_home, promote_copy

from helpdesk.app import create_app
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.encoder import encoder_files
from helpdesk.progress import Quiet
from helpdesk.records import faq, versions
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.records.tables import Message
from helpdesk.serving.live import LiveMatcher, NodeState
from helpdesk.settings import Settings

DOORS = [
    ("/webhooks/rest/webhook", {"sender": "a", "message": "forgot my password"}),
    ("/api/v1/messages", {"session_id": "a", "text": "forgot my password"}),
    ("/api/v1/match", {"text": "forgot my password"}),
]
TEXTS = ("forgot my password", "the vpn has a problem", "what is the capital of peru")


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A home whose files nobody shares."""
    return own_home(tiny_home, tmp_path, base_model=str(tiny_base))


@pytest.fixture
def current(settings: Settings, records: Database) -> Path:
    """The bundle of the second version, which is in service."""
    return promote_copy(settings, records, "second")


@pytest.fixture
def started(settings: Settings) -> Iterator[Flask]:
    """An application whose process starts by itself."""
    app = create_app(settings)
    yield app
    app.extensions["helpdesk"].live.stop()


def start(settings: Settings, records: Database) -> LiveMatcher:
    """The matcher of a process that starts now."""
    live = LiveMatcher(records, settings)
    live.refresh()
    return live


def test_whatever_file_is_damaged_a_process_starts_and_answers_right(
    settings: Settings, records: Database, current: Path
) -> None:
    """By the version before it where the file is read to answer, by the version itself where it is not."""
    taken = start(settings, records).take()
    assert taken is not None
    golden = [taken.match(text) for text in TEXTS]
    del taken
    served: dict[str, int | None] = {}
    for path in sorted(path for path in current.rglob("*") if path.is_file()):
        whole = path.read_bytes()
        flip(path, place=1)
        live = start(settings, records)
        taken, status = live.take(), live.status()
        assert taken is not None, path
        assert [taken.match(text) for text in TEXTS] == golden, path
        assert (status.state == NodeState.LAGGING) == (status.version_id == 1), path
        served[path.relative_to(current).as_posix()] = status.version_id
        path.write_bytes(whole)

    assert {name for name, version in served.items() if version == 1} == {
        *(path.relative_to(current).as_posix() for path in encoder_files(current / "encoder")), "exact.json",
        "index.bin", "manifest.json", "phrasings.json", "scorer.npz", "thresholds.json", "vectors.npy",
    }  # fmt: skip


def test_that_an_older_version_serves_is_told_everywhere(
    settings: Settings, current: Path, request: pytest.FixtureRequest
) -> None:
    """In `/readyz`, in the figures and on the desk."""
    flip(current / "vectors.npy")
    client: FlaskClient = request.getfixturevalue("started").test_client()
    log_in(client)
    ready = client.get("/readyz")
    figures = client.get("/metrics").get_data(as_text=True)

    assert ready.status_code == 200
    assert ready.json is not None
    assert (ready.json["state"], ready.json["version"]) == ("lagging", 1)
    assert "version 1 serves instead of version 2" in ready.json["problem"]
    assert "helpdesk_promotion_refused_processes 1.0" in figures
    assert 'helpdesk_serving_processes{version="1"} 1.0' in figures
    assert "Version 2 does not open" in client.get("/desk").get_data(as_text=True)


@pytest.mark.parametrize(("door", "body"), DOORS)
def test_without_any_intact_version_no_door_claims_a_hand_over(
    settings: Settings,
    records: Database,
    current: Path,
    door: str,
    body: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    """503 with the time to try again, and nothing is stored that was not dealt with."""
    for bundle in settings.bundles.iterdir():
        flip(bundle / "thresholds.json", place=1)
    client: FlaskClient = request.getfixturevalue("started").test_client()
    said = client.post(door, json=body)

    assert (said.status_code, said.headers["Retry-After"]) == (503, "2")
    assert "no version can answer here" in said.get_data(as_text=True)
    assert client.get("/readyz").status_code == 503
    with records.read() as session:
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_while_the_database_was_never_read_nothing_is_said_to_be_not_set_up(settings: Settings) -> None:
    """A process that started before its database has no version yet, and does not know that there is none."""
    database = settings.home / "helpdesk.db"
    database.rename(settings.home / "away.db")
    database.mkdir()
    app = create_app(settings)
    try:
        said = app.test_client().post(DOORS[2][0], json=DOORS[2][1])
    finally:
        app.extensions["helpdesk"].live.stop()

    assert said.status_code == 503


@pytest.mark.slow
def test_a_refreshed_version_shares_no_file_that_it_answers_with(settings: Settings, records: Database) -> None:
    """What only nights read lies in two versions at most; a damaged byte leaves the other version usable."""
    for number in range(3):
        with records.write() as session:
            entry = Entry("vpn", phrasings=(f"vpn tunnel {number} broken",))
            faq.store_entries(session, [entry], author="ann", source="edit")
        run_night(settings, records, plan=Plan(minutes=1, finetune=False), progress=Quiet())
    with records.read() as session:
        *_, second, first = [settings.bundles / row.directory for row in versions.list_versions(session)]
    files = [path for path in settings.bundles.rglob("*") if path.is_file()]
    assert len(list(settings.bundles.iterdir())) == 4
    assert max(path.stat().st_nlink for path in files) == 2
    assert (second / "encoder" / "model.safetensors").samefile(first / "encoder" / "model.safetensors")
    for path in second.rglob("*"):
        if path.is_file():
            flip(path)
    with records.write() as session:
        versions.promote(session, 1, reason="test", author="test")
    live = start(settings, records)

    assert (live.status().version_id, live.status().problem) == (1, None)


def test_an_installation_without_a_version_says_that_it_is_not_set_up(empty_home: Path, tmp_path: Path) -> None:
    """Nobody is told that a colleague has the message."""
    settings = own_home(empty_home, tmp_path)
    app = create_app(settings)
    try:
        said = app.test_client().post(DOORS[0][0], json=DOORS[0][1])
    finally:
        app.extensions["helpdesk"].live.stop()

    assert said.status_code == 200
    assert said.json is not None
    assert "still being set up" in said.json[0]["text"]
    assert "colleague" not in said.json[0]["text"]
    open_database(settings).close()
