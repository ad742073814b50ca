"""The versions of a night side by side: planted outcomes, and a real night."""

import shutil
from pathlib import Path

import pytest
from homes import LENIENT
from nights import AFTER, BEFORE, RESULTS, flip

from helpdesk.learning.gate.paired_tests import Outcome
from helpdesk.learning.gate.side_by_side import ROWS_SHOWN, Column, accuracy, confusions, explain, intent_changes
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.progress import Quiet
from helpdesk.records import flips, labels, nights
from helpdesk.records.clock import now
from helpdesk.records.tables import FlipRow
from helpdesk.serving.chat_service import ChatService
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings, load_settings

pytestmark = pytest.mark.slow


def test_a_share_has_the_interval_of_wilson() -> None:
    """8 of 10: the textbook's 49% to 94.3%; of nothing there is no share."""
    found = accuracy({str(n): Outcome("vpn", n < 8) for n in range(10)})

    assert (found.rows, found.right, found.share) == (10, 8, 0.8)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert accuracy({}).share is None


def test_intents_that_gain_and_lose_are_told_with_their_rows() -> None:
    """Biggest change first; only rows that both sides were measured on; out of scope is an intent of its own."""
    assert intent_changes(BEFORE, AFTER).model_dump() == {
        "gains": (
            {"intent": "vpn", "rows": 3, "before": 1, "after": 3},
            {"intent": "", "rows": 1, "before": 0, "after": 1},
        ),
        "losses": ({"intent": "wifi", "rows": 2, "before": 2, "after": 1},),
    }


def test_confusions_are_told_before_and_after() -> None:
    """Those that went and those that came, most frequent first."""
    assert [found.model_dump() for found in confusions(BEFORE, AFTER)] == [
        {"intent": "vpn", "chosen": "wifi", "before": 2, "after": 0},
        {"intent": "wifi", "chosen": "vpn", "before": 0, "after": 1},
        {"intent": "", "chosen": "vpn", "before": 1, "after": 0},
    ]


def test_long_lists_are_cut() -> None:
    """Every intent lost a row: only the first few are told."""
    before = {str(n): Outcome(f"i{n:02}", True, f"i{n:02}") for n in range(20)}
    after = {str(n): Outcome(f"i{n:02}", False, "other") for n in range(20)}

    assert len(intent_changes(before, after).losses) == ROWS_SHOWN
    assert len(confusions(before, after)) == ROWS_SHOWN


def test_the_sides_stand_in_columns_and_candidates_are_paired() -> None:
    """Figures of the bundle's report where it has them; the difference counts what both were measured on."""
    found = explain(
        [Column("incumbent", BEFORE), Column("retrained", AFTER, RESULTS, before=BEFORE, against="refreshed")]
    )
    incumbent, retrained = found.versions

    assert (incumbent.against, incumbent.difference, incumbent.coverage) == (None, None, None)
    assert (incumbent.in_scope.rows, incumbent.out_of_scope.rows) == (6, 1)
    assert (retrained.against, retrained.coverage, retrained.wrong_rate) == ("refreshed", 0.7, 0.041)
    assert retrained.calibration_error == 0.023
    change = retrained.difference
    assert change is not None
    assert (change.rows, change.gained, change.lost) == (6, 3, 1)
    assert change.change == pytest.approx(2 / 6, abs=1e-4)
    assert change.low < 0 < change.change < change.high
    assert set(found.intents) == set(found.confusions) == {"retrained"}


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A copy of the tiny home: what these nights learn does not matter."""
    home = Path(shutil.copytree(tiny_home, tmp_path / "home"))
    return load_settings(home=home, base_model=str(tiny_base), **LENIENT)


@pytest.fixture
def desk(settings: Settings, live: LiveMatcher) -> ChatService:
    """The serving side, with three labels for tonight."""
    made = ChatService(live._database, live, settings)
    for text in ("the tunnel from my kitchen is dead", "tunnel refuses to come up", "no tunnel since this morning"):
        message = made.reply(text, channel="rest", sender="u").message_id
        with made.database.write() as session:
            labels.label_message(session, message, kind="intent", intent="vpn", staff_id=1, holdout_share=0.0)
    return made


def test_a_dry_night_explains_itself_and_leaves_the_queue_alone(desk: ChatService) -> None:
    """Both sides, measured on the same rows; last night's flips stay."""
    stood = flip("nobody asked this", 1)
    with desk.database.write() as session:
        flips.store(session, now(), [stood])
    plan = Plan(minutes=0.05, finetune=False, dry_run=True)
    found = run_night(desk.settings, desk.database, plan=plan, progress=Quiet()).explanation

    assert found is not None
    incumbent, refreshed = found.versions
    assert (incumbent.kind, refreshed.kind) == ("incumbent", "refreshed")
    assert (incumbent.accuracy.rows, refreshed.accuracy.rows) == (25, 28)
    assert refreshed.difference is not None
    assert refreshed.difference.rows == 25
    assert refreshed.calibration_error is not None
    assert 0 <= refreshed.calibration_error <= 1
    with desk.database.read() as session:
        assert session.get(FlipRow, stood.text_key) is not None


def test_a_night_replaces_the_flips_and_its_report_can_be_read_again(desk: ChatService) -> None:
    """By the start of its row."""
    stood = flip("nobody asked this", 1)
    with desk.database.write() as session:
        flips.store(session, now(), [stood])
    done = run_night(desk.settings, desk.database, plan=Plan(minutes=0.05, finetune=False), progress=Quiet())
    with desk.database.read() as session:
        row = nights.last_night(session)
        assert session.get(FlipRow, stood.text_key) is None
        assert row is not None
        report = nights.read_report(session, row)

    assert report is not None
    assert report.explanation == done.explanation
