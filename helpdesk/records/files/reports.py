"""The reports of past nights in the home of the host that ran them: one JSON file each. `nights` has them for all."""

import json
from datetime import datetime
from pathlib import Path

from helpdesk.records.night_report import NightReport

REPORTS = "reports"


def write_report(home: Path, report: NightReport) -> Path:
    """Keep a night's report, named by its `started`; readers see it whole or not at all. Returns where it lies."""
    path = report_file(home, report.started)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.stem}.half")
    half.write_text(json.dumps(report.as_json(), indent=1, ensure_ascii=False))
    return half.rename(path)


def report_file(home: Path, started: str) -> Path:
    """Where the report of the night that started then lies, if it ran here."""
    return home / REPORTS / f"{_name(started)}.json"


def forget_reports(home: Path, *, before: datetime) -> int:
    """Remove the reports of nights that started before a moment: they hold texts of messages. How many there were."""
    first = _name(before.isoformat(timespec="seconds"))
    old = [path for path in (home / REPORTS).glob("*.json") if path.stem < first]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def _name(started: str) -> str:
    return started.replace(":", "").replace("+0000", "Z")
