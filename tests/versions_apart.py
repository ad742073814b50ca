"""Homes whose versions may be damaged: no file of theirs is shared with another home."""

import shutil
from pathlib import Path
from typing import Any

from homes import LENIENT

from helpdesk.records import versions
from helpdesk.records.database import Database
from helpdesk.settings import Settings, load_settings


def own_home(home: Path, folder: Path, **more: Any) -> Settings:
    """Settings of a true copy of a home."""
    return load_settings(home=shutil.copytree(home, folder / "own"), **LENIENT, **more)


def promote_copy(settings: Settings, records: Database, name: str) -> Path:
    """A second version with the files of the oldest one, in service."""
    with records.write() as session:
        first = versions.list_versions(session)[-1]
        copy = settings.bundles / name
        shutil.copytree(settings.bundles / first.directory, copy)
        version = versions.add_version(
            session, name, kind="refreshed", parent_id=first.id, rows_hash="x", verdict="promote", report={}
        )
        versions.promote(session, version.id, reason="test", author="test")
    return copy


def flip(path: Path, *, place: int | None = None) -> None:
    """Another bit in the middle of a file, or at a place, where it lies: whatever shares the file has it too."""
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 if place is None else place)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 0x10]))
