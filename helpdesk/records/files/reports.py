"""The reports of past nights: one JSON file a night, the newest by name the last."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from helpdesk.records.clock import now
from helpdesk.records.night_report import NightReport

REPORTS = "reports"
_ROUNDED = timedelta(seconds=1)


@dataclass(frozen=True)
class LastNight:
    """How the last night that meant business ended, and when. Verdict: `promoted`, `kept` or `failed`."""

    verdict: str
    ended: datetime
    error: str | None


def write_report(home: Path, report: NightReport) -> Path:
    """Keep a night's report, named by its `started`; readers see it whole or not at all. Returns where it lies."""
    folder = home / REPORTS
    folder.mkdir(parents=True, exist_ok=True)
    name = _name(report.started)
    half = folder / f".{name}.half"
    half.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
    return half.rename(folder / f"{name}.json")


def read_report(home: Path, started: datetime) -> NightReport | None:
    """The report of the night that started then, None when it is gone, unreadable or on another host."""
    return _open(home / REPORTS / f"{_name(started.isoformat(timespec='seconds'))}.json")


def forget_reports(home: Path, *, before: datetime) -> int:
    """Remove the reports of nights that started before a moment: they hold texts of messages. How many there were."""
    first = _name(before.isoformat(timespec="seconds"))
    old = [path for path in (home / REPORTS).glob("*.json") if path.stem < first]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def last_night(home: Path) -> LastNight | None:
    """The newest readable report that is not of a dry run, None when there is none.

    One from the future, of a night whose clock was wrong, would be the last for years and hide all later ones.
    """
    for path in sorted((home / REPORTS).glob("*.json"), reverse=True):
        found = _read(path)
        if found is not None and found.ended <= now() + _ROUNDED:
            return found
    return None


def _read(path: Path) -> LastNight | None:
    report = _open(path)
    if report is None or report.dry_run:
        return None
    try:
        ended = datetime.fromisoformat(report.started) + timedelta(seconds=report.seconds)
    except (ValueError, OverflowError):
        return None
    return LastNight(report.verdict, ended, report.error) if ended.tzinfo else None


def _open(path: Path) -> NightReport | None:
    try:
        return NightReport.model_validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _name(started: str) -> str:
    return started.replace(":", "").replace("+0000", "Z")
