"""What is installed is named by hash, and what is known to be vulnerable is found without a network."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LOCKS = ROOT / "locks"
PLANTED = {
    "id": "PYSEC-0000-1",
    "aliases": ["CVE-0000-1"],
    "summary": "a planted fault",
    "modified": "2026-11-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Flask_Planted"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "2.0"}, {"fixed": "2.10"}]}],
            "versions": ["1.0.post1"],
        }
    ],
}


@pytest.mark.parametrize("path", sorted(LOCKS.glob("*.txt")), ids=lambda path: path.stem)
def test_a_lock_names_versions_and_hashes_and_nothing_else(path: Path) -> None:
    """No index, no address, no folder of a machine, and no package without a hash."""
    block = r"[a-z0-9.-]+==[^\s\\]+(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+"

    assert re.fullmatch(f"(?:{block})+", path.read_text())


def audit(advisories: Path, locks: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, str(ROOT / "deploy" / "audit.py"), str(advisories), "--locks", str(locks)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("version", "change", "status"),
    [
        ("2.0", {}, 1),
        ("2.9", {}, 1),
        ("2.9+local", {}, 1),
        ("2.10", {}, 0),
        ("1.9", {}, 0),
        ("1.0.post1", {}, 1),
        ("2.9", {"withdrawn": "2026-11-02T00:00:00Z"}, 0),
    ],
)
def test_a_planted_advisory_is_found_where_it_holds(
    tmp_path: Path, version: str, change: dict[str, Any], status: int
) -> None:
    """By range and by list, whatever the spelling of the name; not when it was withdrawn."""
    (tmp_path / "lock.txt").write_text(f"flask-planted=={version} \\\n    --hash=sha256:00\n")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-0000-1.json", json.dumps(PLANTED | change))
    done = audit(tmp_path / "all.zip", tmp_path)

    assert done.returncode == status, done.stdout + done.stderr
    assert (f"flask-planted {version}: PYSEC-0000-1 CVE-0000-1 a planted fault" in done.stdout) is bool(status)
    assert "1 packages, 1 advisories, the newest of 2026-11-01" in done.stdout


def test_nothing_to_compare_is_no_clean_bill(tmp_path: Path) -> None:
    """An empty folder of advisories, or of locks, ends with 2."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "PYSEC-0000-1.json").write_text(json.dumps(PLANTED))

    assert audit(tmp_path / "empty", LOCKS).returncode == 2
    assert audit(tmp_path, tmp_path / "empty").returncode == 2
    assert audit(tmp_path, LOCKS).returncode == 0
