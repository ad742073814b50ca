"""The last night is read from its report, whatever lies beside it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.records.clock import now
from helpdesk.records.files.reports import REPORTS, last_night, write_report
from helpdesk.records.night_report import NightReport


def report(started: str, **more: Any) -> NightReport:
    """A night's report, as far as it matters here."""
    return NightReport.model_validate({"started": started, "seconds": 90.0} | more)


def test_without_reports_there_was_no_night(tmp_path: Path) -> None:
    """A fresh home."""
    assert last_night(tmp_path) is None


def test_the_newest_night_counts_and_ended_when_it_was_done(tmp_path: Path) -> None:
    """Not the one written last."""
    write_report(tmp_path, report("2026-11-02T02:30:00+00:00", verdict="failed", error="OSError: no space"))
    write_report(tmp_path, report("2026-11-01T02:30:00+00:00", verdict="promoted"))
    night = last_night(tmp_path)

    assert night is not None
    assert (night.verdict, night.error) == ("failed", "OSError: no space")
    assert night.ended == datetime(2026, 11, 2, 2, 31, 30, tzinfo=UTC)


def test_dry_runs_and_unreadable_files_are_no_nights(tmp_path: Path) -> None:
    """A trial by day must not hide that the night failed."""
    write_report(tmp_path, report("2026-11-01T02:30:00+00:00", verdict="failed"))
    write_report(tmp_path, report("2026-11-01T10:00:00+00:00", dry_run=True))
    for name, text in {"2026-11-03": "{", "2026-11-04": "[]", "2026-11-05": '{"dry_run": false}'}.items():
        (tmp_path / REPORTS / f"{name}.json").write_text(text)
    night = last_night(tmp_path)

    assert night is not None
    assert night.verdict == "failed"


def test_a_night_of_a_wrong_clock_does_not_hide_later_ones(tmp_path: Path) -> None:
    """Else nobody would be told that nights fail until that date."""
    write_report(tmp_path, report((now() + timedelta(days=2000)).isoformat(timespec="seconds"), verdict="promoted"))
    write_report(tmp_path, report((now() - timedelta(hours=1)).isoformat(timespec="seconds"), verdict="failed"))
    night = last_night(tmp_path)

    assert night is not None
    assert night.verdict == "failed"
