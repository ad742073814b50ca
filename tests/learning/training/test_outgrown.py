"""A start of few rows is measured in few parts; one that has grown large is measured as large sets are."""

import shutil
from pathlib import Path

import pytest
from homes import LENIENT

from helpdesk.learning.calibration.measurement import read_measurement
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.learning.training import train as tuning
from helpdesk.progress import Quiet
from helpdesk.records import labels, versions
from helpdesk.records.database import Database
from helpdesk.records.night_report import NightReport
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings
from helpdesk.simulation.broken import promote_always

pytestmark = pytest.mark.slow

ASKED = (
    *("the tunnel is shut", "no remote access", "home office is offline", "my session drops", "gateway refuses me"),
    *("two factor code fails", "client hangs at start", "certificate expired", "cannot reach servers", "it times out"),
    *("connected without internet", "which gateway is right"),
)


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A copy of the tiny home: what these nights learn does not matter."""
    home = Path(shutil.copytree(tiny_home, tmp_path / "home"))
    return load_settings(home=home, base_model=str(tiny_base), **LENIENT)


def night(settings: Settings, records: Database) -> NightReport:
    """Fine-tune and promote, whatever comes of it."""
    return run_night(settings, records, plan=Plan(minutes=1, max_steps=2), progress=Quiet(), gate=promote_always)


def measured(settings: Settings, records: Database) -> tuple[int, int]:
    """Into how many parts the rows fall in service, and how many of those are measured."""
    with records.read() as session:
        current = versions.current(session)
    assert current is not None
    found = read_measurement(settings.bundles / current.directory)
    assert found is not None
    return found.folds, len(found.encoders)


@pytest.mark.parametrize(("held_out", "folds", "rows"), [(12, (5, 1), 12), (11, (2, 2), 25 + 11)])
def test_a_split_is_outgrown_once_held_out_labels_can_compare(
    held_out: int,
    folds: tuple[int, int],
    rows: int,
    settings: Settings,
    records: Database,
    live: LiveMatcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With as many as it takes, the two encoders are compared on them alone; with fewer the old split stays."""
    night(settings, records)
    assert measured(settings, records) == (2, 2)

    desk = ChatService(records, live, settings)
    for text in ASKED[:held_out]:
        reply = desk.reply(text, channel="rest", sender="u")
        with records.write() as session:
            labels.label_message(
                session, reply.message_id, kind="intent", intent="vpn", staff_id=1, holdout_share=0.9999
            )
    monkeypatch.setattr(tuning, "MANY", 25)
    monkeypatch.setattr(tuning, "ENOUGH_HELD_OUT", 12)
    report = night(settings, records)

    assert measured(settings, records) == folds
    found = report.verdicts["retrained"].comparison
    assert found is not None
    assert found.rows == rows
