"""The certificate of an erasure: what, when, and what is still to come. It holds nothing of what was erased."""

import json
from pathlib import Path
from typing import Any

from helpdesk.records.tables import ErasureRow

CERTIFICATES = "certificates"


def certificate(row: ErasureRow) -> dict[str, Any]:
    """The certificate as JSON: what, when, and what is still to come."""
    moments = {name: getattr(row, name) for name in ("erased_at", "compacted_at", "clean_at", "purged_at")}
    return {
        "erasure": row.id,
        "scope": row.scope,
        "subject": row.subject,
        "author": row.author,
        "rows": row.counts,
        "entries_to_look_at": row.entries,
        "first_clean_version": row.clean_version_id,
        "finished": row.purged_at is not None and row.compacted_at is not None,
        **{name: moment and moment.isoformat(timespec="seconds") for name, moment in moments.items()},
    }


def write_certificate(home: Path, row: ErasureRow) -> None:
    """Keep it as one JSON file for each erasure in the home; readers see it whole or not at all. Another erasure that
    had the number, before a backup was restored, keeps its file."""
    folder = home / CERTIFICATES
    folder.mkdir(parents=True, exist_ok=True)
    facts = certificate(row)
    path = folder / f"erasure-{row.id}.json"
    if path.exists() and not _is_of(path, facts):
        path = folder / f"erasure-{row.id}-{row.erased_at:%Y%m%dT%H%M%S%fZ}.json"
    half = path.with_name(f".{path.stem}.half")
    half.write_text(json.dumps(facts, indent=1, ensure_ascii=False))
    half.rename(path)


def _is_of(path: Path, facts: dict[str, Any]) -> bool:
    """Whether a file is an earlier state of the certificate; one that cannot be read is not."""
    try:
        there = json.loads(path.read_bytes())
        return all(there[name] == facts[name] for name in ("erased_at", "scope", "subject"))
    except (OSError, ValueError, KeyError, TypeError):
        return False
