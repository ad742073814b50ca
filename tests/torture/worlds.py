"""A home of two versions that answer the same messages differently, over either database, and its real service."""

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2 as httpx
import psutil
from commands import HELPDESK
from home import label_all
from homes import LENIENT, SMALL_FAQ, make_home, short_exams

from helpdesk.learning.gate.case import Case as GateCase
from helpdesk.learning.gate.verdict import Verdict, judge
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import open_bundle
from helpdesk.progress import Quiet
from helpdesk.records import heartbeats, versions
from helpdesk.records.database import Database, open_database
from helpdesk.serving.live import LiveMatcher
from helpdesk.serving.promotion import put_in_service
from helpdesk.settings import Settings, load_settings
from torture.postgres import Postgres

Said = tuple[str, str | None]  # kind of decision and intent
TOPICS = tuple(SMALL_FAQ)
TAUGHT = tuple(
    f"{place} {thing} is odd"
    for place in ("basement", "canteen", "garage", "roof")
    for thing in ("lamp", "door", "sink", "fan")
)
PERSON = "I want to talk to a human"  # whoever says so is told that people were told, by any version
SAME = ("forgot my password", "paper jam in the printer")
WHOLE_SECONDS = 300.0
CHOSEN = {
    "workers": 2,
    "threads": 4,
    "limit_session": "none",
    "limit_address": "none",
    "inbox": True,
    "train_threads": 1,
    **LENIENT,
}


@dataclass(frozen=True)
class World:
    """Settings of the home, its PostgreSQL server if it has one, and what each of two versions says of each text."""

    settings: Settings
    environment: dict[str, str]
    postgres: Postgres | None
    pair: tuple[int, int]
    golden: dict[int, dict[str, Said]]

    @property
    def database(self) -> str:
        """`sqlite` or `postgresql`."""
        return "sqlite" if self.postgres is None else "postgresql"

    @property
    def texts(self) -> tuple[str, ...]:
        """What traffic says: mostly what the two versions answer differently."""
        return tuple(self.golden[self.pair[0]])

    def said(self, version: int, text: str) -> Said:
        """What a version must say; one that was built later knows what the second knew."""
        return self.golden[min(version, max(self.pair))][text]

    @contextmanager
    def records(self) -> Iterator[Database]:
        """The database, for the oracle."""
        opened = open_database(self.settings)
        try:
            yield opened
        finally:
            opened.close()

    def current(self) -> versions.Current:
        """The version in service; its bundle must open, all of it, and answer."""
        with self.records() as database:
            with database.read() as session:
                found = versions.current(session)
            assert found is not None
            open_bundle(self.settings.bundles / found.directory)
            matcher = LiveMatcher(database, self.settings)
            matcher.refresh()
            live = matcher.take()
            assert live is not None, matcher.status()
            decision = live.match(TAUGHT[0])
        expected = self.said(found.version_id, TAUGHT[0])
        found_said = (str(decision.kind), decision.intents[0] if decision.intents else None)
        assert found_said == expected or TAUGHT[0] not in self.texts, (found, found_said, expected)
        return found

    def promote(self, version: int, *, reason: str = "torture") -> None:
        """As `helpdesk versions promote` does."""
        with self.records() as database:
            put_in_service(self.settings, database, version, reason=reason)


def make_plain_world(folder: Path, base: Path, postgres: Postgres | None = None, **more: Any) -> World:
    """A world of one version, in a folder that is there. base: the encoder that everything is built with."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    chosen: dict[str, Any] = {"home": folder / "home", "base_model": str(base), "port": port, **CHOSEN, **more}
    if postgres is not None:
        chosen["database_url"] = postgres.new_database()
    settings = load_settings(**chosen)
    with short_exams():
        make_home(settings)
    blank = dict.fromkeys(f"HELPDESK_{name.upper()}" for name in Settings.model_fields)
    environment = {name: value for name, value in os.environ.items() if name not in blank} | dict.fromkeys(blank, "")
    environment |= {f"HELPDESK_{name.upper()}": str(value) for name, value in chosen.items()}
    environment |= {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    return World(settings, environment, postgres, (1, 1), {})


def make_world(folder: Path, base: Path, postgres: Postgres | None = None, **more: Any) -> World:
    """A world of two versions, of which the first serves."""
    world = make_plain_world(folder, base, postgres, **more)
    with world.records() as database, short_exams():
        label_all(database, [(text, TOPICS[number % len(TOPICS)]) for number, text in enumerate(TAUGHT)])
        run_night(world.settings, database, plan=Plan(finetune=False, minutes=1), progress=Quiet(), gate=_promote)
    with served(world) as service:
        told = {version: _ask_all(world, service, version) for version in (2, 1)}
    differ = [text for text in TAUGHT if told[1][text] != told[2][text]]
    assert len(differ) >= 8, "the two versions answer too much alike to tell them apart"
    kept = [*differ, *SAME, PERSON]
    golden = {version: {text: said[text] for text in kept} for version, said in told.items()}
    return replace(world, pair=(1, 2), golden=golden)


def _promote(case: GateCase) -> Verdict:
    """What the second version says counts here, not whether it is better."""
    found = judge(case)
    return Verdict(True, ("wanted",), found.comparison)


def _ask_all(world: World, service: "Service", version: int) -> dict[str, Said]:
    world.promote(version)
    service.wait_for(lambda: {service.say(TAUGHT[n])["custom"]["version"] for n in range(10)} == {version})
    return {text: said_by(service.say(text)) for text in (*TAUGHT, *SAME, PERSON)}


def said_by(element: dict[str, Any]) -> Said:
    """What an element of Rasa's answer decided."""
    return element["custom"]["decision"], element["custom"].get("intent")


class Service:
    """`helpdesk serve` over a world: gunicorn and two workers."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = f"http://127.0.0.1:{world.settings.port}"
        self.log = Path(tempfile.gettempdir()) / f"helpdesk-torture-{world.settings.port}.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen([*HELPDESK, "serve"], env=world.environment, stdout=log, stderr=log)

    def workers(self) -> list[psutil.Process]:
        """The processes that answer, those that are being killed left out."""
        found = psutil.Process(self.process.pid).children()
        return [child for child in found if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]

    def is_whole(self, *, without: int | None = None) -> bool:
        """Whether as many workers as there should be have said which version they serve, none of them the one left
        out."""
        pids = {worker.pid for worker in self.workers()} - {without}
        with self.world.records() as database, database.read() as session:
            serve = {beat.process_id for beat in heartbeats.seen_lately(session) if beat.version_id is not None}
        return len(pids) == self.world.settings.workers and pids <= serve

    def say(self, text: str, *, sender: str | None = None) -> dict[str, Any]:
        """The first element of the answer to a message; it must succeed."""
        body = {"sender": sender or secrets.token_hex(8), "message": text}
        response = httpx.post(f"{self.url}/webhooks/rest/webhook", json=body, timeout=30)
        assert response.status_code == 200, response.text
        element: dict[str, Any] = response.json()[0]
        return element

    def status(self, path: str, *, timeout: float = 30) -> int:
        """The status of a page, 0 without an answer."""
        try:
            return httpx.get(f"{self.url}{path}", timeout=timeout).status_code
        except httpx.HTTPError:
            return 0

    def wait_for(self, done: Callable[[], bool], seconds: float = WHOLE_SECONDS) -> float:
        """How many seconds it took until something was so. Raises AssertionError when it never is."""
        return wait_for(done, seconds)

    def stop(self) -> None:
        """Let it end in order."""
        self.process.terminate()
        self.process.wait(60)


def wait_for(done: Callable[[], bool], seconds: float = WHOLE_SECONDS) -> float:
    """How many seconds it took until something was so. Raises AssertionError when it never is."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if done():
                return time.monotonic() - began
        except (httpx.HTTPError, psutil.NoSuchProcess):
            pass
        time.sleep(0.2)
    raise AssertionError(f"not so after {seconds:.0f} s")


@contextmanager
def served(world: World, *, ready: bool = True) -> Iterator[Service]:
    """Its service, every worker ready unless told otherwise."""
    service = Service(world)
    try:
        if ready:
            service.wait_for(service.is_whole)
        yield service
    finally:
        service.stop()
