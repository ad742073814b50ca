"""Which locked packages have a known vulnerability, by advisories on the disk: no network is used.

Advisories are JSON in the OSV format (https://ossf.github.io/osv-schema/), in a folder or a zip file, such as the
export of PyPI's advisories that OSV publishes. Ends with 1 when a package has one, 2 when there is nothing to read.
"""

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

LOCKS = Path(__file__).resolve().parent.parent / "locks"


def main() -> int:
    """Print one line for each vulnerability, and how much was looked at."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("advisories", type=Path, help="a folder or a zip file of OSV records")
    parser.add_argument("--locks", type=Path, default=LOCKS, help="a folder of lock files")
    asked = parser.parse_args()
    packages = sorted({found for path in asked.locks.glob("*.txt") for found in locked(path)})
    number, newest, found = 0, "", []
    for record in records(asked.advisories):
        number, newest = number + 1, max(newest, record.get("modified", ""))
        if not record.get("withdrawn"):
            found += [
                f"{name} {version}: {told(record)}" for name, version in packages if affects(record, name, version)
            ]
    if not number or not packages:
        print(f"{number} advisories in {asked.advisories}, {len(packages)} packages in {asked.locks}; expected some")
        return 2
    print("\n".join(found), end="\n" if found else "")
    print(
        f"{len(packages)} packages, {number} advisories, the newest of {newest or 'an unknown day'}: {len(found)} found"
    )
    return 1 if found else 0


def locked(path: Path) -> Iterator[tuple[str, str]]:
    """Name and version of each package of a lock file."""
    for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text(), re.MULTILINE):
        yield canonicalize_name(name), version


def records(place: Path) -> Iterator[dict[str, Any]]:
    """Every advisory of a folder or a zip file."""
    if place.is_dir():
        for path in sorted(place.rglob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))
        return
    if place.is_file():
        with zipfile.ZipFile(place) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))


def affects(record: dict[str, Any], name: str, version: str) -> bool:
    """Whether an advisory is about this version of a package of PyPI."""
    return any(
        affected.get("package", {}).get("ecosystem") == "PyPI"
        and canonicalize_name(affected["package"].get("name", "")) == name
        and (version in affected.get("versions", ()) or any(map(in_range(version), affected.get("ranges", ()))))
        for affected in record.get("affected", ())
    )


def in_range(version: str) -> Any:
    """Whether a version lies in a range of an advisory; its events are in any order."""
    asked = Version(Version(version).public)

    def holds(span: dict[str, Any]) -> bool:
        if span.get("type") != "ECOSYSTEM":
            return False
        inside = False
        for at, kind in sorted((_place(text), kind) for event in span["events"] for kind, text in event.items()):
            if kind == "introduced" and at <= asked:
                inside = True
            if (kind == "fixed" and at <= asked) or (kind == "last_affected" and at < asked):
                inside = False
        return inside

    return holds


def _place(text: str) -> Version:
    """A version as one that can be compared; one that cannot be read counts as later than all."""
    try:
        return Version(text)
    except InvalidVersion:
        return Version("99999!0")


def told(record: dict[str, Any]) -> str:
    """The names of an advisory, and what it is about."""
    names = " ".join([record["id"], *record.get("aliases", ())])
    return f"{names} {record.get('summary', '')}".strip()


if __name__ == "__main__":
    sys.exit(main())
