"""The last data check of a home, so that the FAQ pages can show it: one JSON file."""

import json
from pathlib import Path
from typing import Any

from helpdesk.records.clock import now

CHECKUP = "data-check.json"


def write_checkup(home: Path, checkup: dict[str, Any]) -> None:
    """Keep the findings of a data check, and when it was made; readers see them whole or not at all."""
    half = home / f".{CHECKUP}.half"
    half.write_text(json.dumps({"at": now().isoformat(timespec="seconds"), **checkup}, ensure_ascii=False))
    half.rename(home / CHECKUP)


def read_checkup(home: Path) -> dict[str, Any] | None:
    """The last one, None when there is none, or none on this host."""
    try:
        found = json.loads((home / CHECKUP).read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and "findings" in found else None
