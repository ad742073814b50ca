"""Whole nights that a rule refuses, and the same nights when the operator's bound allows what happened."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from fakes import tiny_model
from homes import LENIENT, SMALL_FAQ, copy_home

from helpdesk.learning.bundles.build import Candidate
from helpdesk.learning.calibration.measurement import Measurement
from helpdesk.learning.calibration.risk_control import NEVER
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.splits import split
from helpdesk.learning.gate import smoke_checks
from helpdesk.learning.night import attempts
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.onnx_export import save_encoder
from helpdesk.learning.training.train import TAKEN, WANTED, Tuned
from helpdesk.matching import bundle as layout
from helpdesk.progress import Quiet
from helpdesk.records import faq, labels
from helpdesk.records.database import Database, open_database
from helpdesk.records.faq import Entry
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import reseal, swap_intents

pytestmark = pytest.mark.slow

WAYS = ("hello, {}", "please help: {}", "{} today", "since monday: {}", "{}, any idea?")
STRANGERS = ("who won the match", "what is the capital of peru", "sing me a song", "how tall is the tower")
Spoil = Callable[[Path], None]


@pytest.fixture(scope="module")
def busy_home(small_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home where 120 messages came in; every fifth one and all strangers are labelled and held out."""
    settings = copy_home(small_home, tmp_path_factory.mktemp("busy"))
    database = open_database(settings)
    live = LiveMatcher(database, settings)
    live.refresh()
    desk = ChatService(database, live, settings)
    asked: list[tuple[str, str | None]] = [
        (way.format(p), slug) for slug, (*_, texts) in SMALL_FAQ.items() for p in texts for way in WAYS
    ]
    asked += [(way.format(stranger), None) for stranger in STRANGERS for way in WAYS]
    for number, (text, slug) in enumerate(asked):
        reply = desk.reply(text, channel="rest", sender="u")
        if number % len(WAYS) == 0 or slug is None:
            kind = "intent" if slug else "out_of_scope"
            with database.write() as session:
                labels.label_message(
                    session, reply.message_id, kind=kind, intent=slug, staff_id=1, holdout_share=0.9999
                )
    database.close()
    return settings.home


@pytest.fixture
def home(busy_home: Path, tmp_path: Path) -> Path:
    """A copy, with one phrasing more than what serves knows."""
    copy = Path(shutil.copytree(busy_home, tmp_path / "home"))
    _add(copy, "vpn", "the tunnel is shut")
    return copy


def _add(home: Path, slug: str, *texts: str) -> None:
    database = open_database(load_settings(home=home))
    with database.write() as session:
        faq.store_entries(session, [Entry(slug, phrasings=texts)], author="ann")
    database.close()


def refusals(home: Path, spoil: Spoil | None = None, **bounds: object) -> list[tuple[str, tuple[str, ...]]]:
    """The rules that object to a refreshed candidate, each with its rows; none when it was promoted."""
    settings = load_settings(home=home, **LENIENT, **bounds)
    database = open_database(settings)

    def finish(candidate: Candidate) -> None:
        if spoil is not None:
            spoil(candidate.directory)

    plan = Plan(minutes=1, finetune=False)
    report = run_night(settings, database, plan=plan, progress=Quiet(), finish=finish)
    database.close()
    found = [(objection.rule, objection.rows) for objection in report.verdicts["refreshed"].objections]
    assert (report.promoted is None) == bool(found)
    return found


def rules(home: Path, spoil: Spoil | None = None, **bounds: object) -> set[str]:
    """Their names alone."""
    return {rule for rule, _ in refusals(home, spoil, **bounds)}


def answering_from(level: float) -> Spoil:
    """Answers are given from this confidence on."""

    def spoil(directory: Path) -> None:
        path = directory / layout.THRESHOLDS
        path.write_text(json.dumps(json.loads(path.read_text()) | {"answer": level, "clarify": min(level, 0.01)}))
        reseal(directory)

    return spoil


def test_a_sound_night_is_promoted(home: Path) -> None:
    """The same phrasing, nothing spoilt: the near miss of all others here."""
    assert refusals(home) == []


def test_other_answers_are_refused_up_to_the_operators_bound(home: Path) -> None:
    """Every intent under another's name; a bound that allows everything takes its own rule away, the others stay."""
    assert {"changed", "right_to_wrong", "worse"} <= rules(home, swap_intents)

    for rule, bound in (
        ("changed", {"change_budget_refreshed": 1.0}),
        ("changed", {"replay_days": 0}),
        ("right_to_wrong", {"flip_budget_refreshed": 1.0}),
    ):
        allowed = rules(home, swap_intents, **bound)
        assert rule not in allowed, bound
        assert "worse" in allowed, bound


def test_more_answers_to_strangers_are_refused(home: Path) -> None:
    """All that is asked would be answered."""
    assert "out_of_scope" in rules(home, answering_from(0.0))


def test_fewer_answers_are_refused(home: Path) -> None:
    """Hardly anything would be answered, and the messages that prove it are named."""
    proof = dict(refusals(home, answering_from(NEVER)))

    assert proof["coverage"]
    assert all(row.startswith("message:") for row in proof["coverage"])


def test_an_intent_that_falls_silent_is_refused(home: Path) -> None:
    """Two intents change places; what people asked proves it beside the labelled rows."""

    def swap_two(directory: Path) -> None:
        path = directory / layout.PHRASINGS
        phrasings = json.loads(path.read_text())
        places = {"vpn": "wifi", "wifi": "vpn"}
        phrasings["intents"] = [places.get(name, name) for name in phrasings["intents"]]
        path.write_text(json.dumps(phrasings))
        reseal(directory)

    rows = [row for rule, proof in refusals(home, swap_two) for row in proof if rule == "intent"]

    assert any(row.startswith("message:") for row in rows)


def test_evidence_that_the_contract_cannot_be_met_is_refused(home: Path) -> None:
    """Phrasings under whatever intent, twice as many as there were: nothing could be answered any more."""
    for slug, (*_, texts) in SMALL_FAQ.items():
        _add(home, slug, *(f"{text}, {word}" for text in texts for word in ("please", "now", "again")))
    assert refusals(home) == []

    slugs = list(SMALL_FAQ)
    for place, (*_, texts) in enumerate(SMALL_FAQ.values()):
        for number, word in enumerate(("still", "once more", "as ever", "really", "here", "there")):
            _add(home, slugs[(place + number) % len(slugs)], *(f"{text} {word}" for text in texts))
    assert "contract" in rules(home)


def test_slower_and_larger_encoders_are_refused_up_to_the_operators_bounds(
    tiny_home: Path, tiny_base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deep model where a shallow one served, on a machine where it takes three times as long."""
    monkeypatch.setattr(smoke_checks, "_in_turns", lambda *_: (0.001, 0.003))
    encoder = tmp_path / "encoder"
    save_encoder(load_base(str(tiny_model(tmp_path / "deep", "distilbert", dim=64, layers=12)), threads=1), encoder)

    def tune(_: Path, dataset: Dataset, **__: object) -> Tuned:
        return Tuned(encoder, Measurement(2, split(dataset, folds=2), (encoder, encoder)), {TAKEN: 1, WANTED: 1})

    monkeypatch.setattr(attempts, "tune", tune)

    def found(**bounds: float) -> set[str]:
        home = Path(shutil.copytree(tiny_home, tmp_path / str(bounds)))
        settings: Settings = load_settings(home=home, base_model=str(tiny_base), **LENIENT, **bounds)
        database: Database = open_database(settings)
        report = run_night(settings, database, plan=Plan(minutes=1), progress=Quiet())
        database.close()
        return {objection.rule for objection in report.verdicts["retrained"].objections}

    assert {"slower", "larger"} <= found(max_slowdown=1.01, max_growth=1.01)
    assert not {"slower", "larger"} & found(max_slowdown=1e6, max_growth=1e6)
