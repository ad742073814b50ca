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
    """Keep it as one JSON file for each erasure in the home; readers see it whole or not at all."""
    folder = home / CERTIFICATES
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".erasure-{row.id}.half"
    half.write_text(json.dumps(certificate(row), indent=1, ensure_ascii=False))
    half.rename(folder / f"erasure-{row.id}.json")
