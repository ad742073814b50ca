"""`helpdesk nights explain` and `retrain --explain`, as people read them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from nights import answer, flip, night_report
from sqlalchemy import update

from helpdesk.cli.main import cli
from helpdesk.cli.nights import explain_lines
from helpdesk.records import nights
from helpdesk.records.clock import now
from helpdesk.records.database import Database
from helpdesk.records.night_report import NightReport
from helpdesk.records.tables import Night
from helpdesk.settings import Settings

STARTED = "2026-11-02T02:30:00+00:00"
TABLE = """\
                        incumbent                   refreshed                   retrained
right                   57.1% (25 to 84) of 7       85.7% (49 to 97) of 7       57.1% (25 to 84) of 7
  in scope              66.7% (30 to 90) of 6       83.3% (44 to 97) of 6       66.7% (30 to 90) of 6
  out of scope          0.0% (0 to 79) of 1         100.0% (21 to 100) of 1     0.0% (0 to 79) of 1
difference              -                           +33.3 (-32.5 to +82.5)      -33.3 (-82.5 to +32.5)
  against               -                           incumbent: +3 -1            refreshed: +1 -3
answered directly       70.0%                       70.0%                       -
  of those wrong        4.1%                        4.1%                        -
calibration error       2.3%                        2.3%                        -
"""
REFRESHED = """\
REFRESHED: promote
  not worse than the version in service
  gains
    +2  vpn: 1 -> 3 right of 3
    +1  (out of scope): 0 -> 1 right of 1
  losses
    -1  wifi: 2 -> 1 right of 2
  confused: meant -> chosen
    2 -> 0  vpn -> wifi
    0 -> 1  wifi -> vpn
    1 -> 0  (out of scope) -> vpn
  replayed traffic
    1,200 messages, 300 texts
    answered directly: 70.0% -> 72.0%
    decided otherwise: 5.0%; answered before, and now another answer or none: 1.2%
    of known meaning: 4 turn right, 1 turn wrong
  unlabelled messages that change, most asked first
    9 x "tunnel \\u202e is down": answer vpn => answer wifi
    2 x "hello": answer vpn => fallback
"""
RETRAINED = """\
RETRAINED: refuse
  intent vpn worked and no longer does
  no net gain
  proof of `intent`
    "tunnel \\u202e gone" (message:1)
    and 2 more
"""


def test_the_versions_stand_side_by_side_with_what_changes_under_them() -> None:
    """Intervals, reasons, intents, confusions, traffic, and the flips whose truth nobody knows yet."""
    flips = [
        flip("tunnel \u202e is down", 9),
        flip("known", 5, truth="vpn"),
        flip("hello", 2, after=answer(None, "fallback")),
    ]
    text = "\n".join(explain_lines(night_report(STARTED, *flips), proofs={"message:1": "tunnel \u202e gone"}))

    assert text.startswith(TABLE)
    assert REFRESHED in text
    assert RETRAINED in text


def invoke(home: Path, *words: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli, words, env={"HELPDESK_HOME": str(home)})


@pytest.mark.parametrize("report", [{}, {"explanation": None}])
def test_a_night_that_compared_nothing_says_so(report: dict[str, None]) -> None:
    """A first version, a failed night, a report of an older release."""
    assert "nothing to compare" in "".join(
        explain_lines(NightReport.model_validate({"started": STARTED} | report), proofs={})
    )


def test_a_stored_night_is_explained_by_its_number(settings: Settings, records: Database) -> None:
    """Or as the last one; what is not there is named."""
    with records.write() as session:
        night = nights.last_night(session)
        assert night is not None
        session.execute(update(Night).values(started_at=night.started_at.fromisoformat(STARTED)))
        nights.keep_report(session, night_report(STARTED))

    number, home = str(night.id), settings.home
    assert "promoted" in invoke(home, "nights").output
    assert invoke(home, "nights", "explain").output.startswith(TABLE)
    assert '"forgot my password" (phrasing:1)' in invoke(home, "nights", "explain").output
    found = invoke(home, "nights", "explain", number, "--json").output
    assert json.loads(found)["explanation"]["versions"][0]["kind"] == "incumbent"
    assert "no night 99" in str(invoke(home, "nights", "explain", "99").exception)
    assert "expected a number" in str(invoke(home, "nights", "explain", "first").exception)
    with records.write() as session:
        assert nights.forget_reports(session, before=now()) == 1
    gone = str(invoke(home, "nights", "explain", "last").exception)
    assert f"the report of night {number} is not kept any more" in gone
