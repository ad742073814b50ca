"""The reports of past nights: one JSON file a night, the newest by name the last."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from helpdesk.records.base import now

REPORTS = "reports"
_ROUNDED = timedelta(seconds=1)


@dataclass(frozen=True)
class LastNight:
    """How the last night that meant business ended, and when. Verdict: `promoted`, `kept` or `failed`."""

    verdict: str
    ended: datetime
    error: str | None


def write_report(home: Path, report: Mapping[str, Any]) -> Path:
    """Keep a night's report, named by its `started`; readers see it whole or not at all. Returns where it lies."""
    folder = home / REPORTS
    folder.mkdir(parents=True, exist_ok=True)
    name = _name(str(report["started"]))
    half = folder / f".{name}.half"
    half.write_text(json.dumps(report, indent=1, ensure_ascii=False))
    return half.rename(folder / f"{name}.json")


def read_report(home: Path, started: datetime) -> dict[str, Any] | None:
    """The report of the night that started then, None when it is gone, unreadable or on another host."""
    name = _name(started.isoformat(timespec="seconds"))
    try:
        report = json.loads((home / REPORTS / f"{name}.json").read_text())
    except (OSError, ValueError):
        return None
    return report if isinstance(report, dict) else None


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
    try:
        report = json.loads(path.read_text())
        if report["dry_run"]:
            return None
        ended = datetime.fromisoformat(report["started"]) + timedelta(seconds=report["seconds"])
        return LastNight(report["verdict"], ended, report["error"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _name(started: str) -> str:
    return started.replace(":", "").replace("+0000", "Z")
