"""The bundles that are kept: what is damaged in each, and mending it from intact copies in the others."""

import os
import secrets
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpdesk.errors import BundleError
from helpdesk.matching.bundle import READ_WHEN_SERVING, damage, fsync, sealed_manifest
from helpdesk.matching.encoder import sha256


@dataclass(frozen=True)
class Damage:
    """One file that is not what was sealed; expected: its line in the manifest, None of the manifest itself."""

    file: str
    problem: str
    expected: Mapping[str, Any] | None


def check_bundle(directory: Path, *, whole: bool = True) -> tuple[Damage, ...]:
    """Everything in a bundle that is not as it was sealed; whole: what only nights and people read too."""
    try:
        files = sealed_manifest(directory)["files"]
    except BundleError as error:
        return (Damage("manifest.json", str(error), None),)
    wanted = [name for name in files if whole or name in READ_WHEN_SERVING]
    wrong = {name: damage(directory, name, files[name]) for name in wanted}
    return tuple(Damage(name, problem, files[name]) for name, problem in wrong.items() if problem)


def repair_bundle(directory: Path, damages: Sequence[Damage], kept: Sequence[Path]) -> tuple[Damage, ...]:
    """Replace damaged files by copies of files with the same hash in bundles that are kept; what shares a damaged file
    by a hard link is left alone. Returns what is still damaged."""
    copies = copies_by_hash(kept)
    return tuple(found for found in damages if not _mend(directory, found, copies))


def copies_by_hash(kept: Sequence[Path]) -> dict[str, list[Path]]:
    """sha256 -> the files of kept bundles that had it when they were sealed."""
    found: dict[str, list[Path]] = defaultdict(list)
    for directory in kept:
        for path, expected in _sealed_files(directory):
            found[expected].append(path)
    return found


def _sealed_files(directory: Path) -> Iterator[tuple[Path, str]]:
    try:
        files = sealed_manifest(directory)["files"]
    except BundleError:
        return
    for name, expected in files.items():
        yield directory / name, expected["sha256"]


def _mend(directory: Path, damaged: Damage, copies: Mapping[str, Sequence[Path]]) -> bool:
    if damaged.expected is None:
        return False
    target = directory / damaged.file
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    for copy in copies.get(damaged.expected["sha256"], ()):
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(copy, fresh)
            if sha256(fresh) == damaged.expected["sha256"]:
                fsync(fresh)
                os.replace(fresh, target)
                fsync(target.parent)
                return True
        except FileNotFoundError:  # the other copy is gone
            continue
        finally:
            fresh.unlink(missing_ok=True)
    return False
