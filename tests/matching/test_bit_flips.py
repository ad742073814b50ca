"""A bit that flips anywhere in a bundle is noticed before native code sees it, or makes no difference."""

import json
import random
import shutil
from pathlib import Path

import pytest

from helpdesk.errors import BundleError
from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.matcher import Matcher

FLIPS = 50
SEED = 6
TEXTS = ("forgot my password", "the vpn has a problem", "paper is stuck", "what is the capital of peru")


@pytest.fixture
def folder(tiny_home: Path, tmp_path: Path) -> Path:
    """A sealed bundle of its own."""
    (sealed,) = (tiny_home / "bundles").iterdir()
    return Path(shutil.copytree(sealed, tmp_path / "bundle"))


@pytest.mark.slow
def test_fifty_random_flips_are_refused_or_harmless(folder: Path) -> None:
    """Every file gets its share, the manifest too; the answers never change."""
    decisions = [Matcher(open_bundle(folder)).match(text) for text in TEXTS]
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    chance = random.Random(SEED)
    refused = 0
    for number in range(FLIPS):
        path = files[number % len(files)]
        whole = path.read_bytes()
        place = chance.randrange(len(whole))
        flipped = whole[place] ^ 1 << chance.randrange(8)
        path.write_bytes(whole[:place] + bytes([flipped]) + whole[place + 1 :])
        try:
            bundle = open_bundle(folder)
        except BundleError:
            refused += 1
        else:
            assert [Matcher(bundle).match(text) for text in TEXTS] == decisions, (path, place)
        path.write_bytes(whole)

    assert refused >= FLIPS - FLIPS // len(files) - 1, "only the manifest's white space may flip unnoticed"
    assert [Matcher(open_bundle(folder)).match(text) for text in TEXTS] == decisions


@pytest.mark.parametrize("name", ["count", "rows_hash", "kind", "report"])
def test_a_manifest_that_was_edited_is_refused(folder: Path, name: str) -> None:
    """What it says of the bundle steers the night, so it is sealed as well."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {name: 1}))

    with pytest.raises(BundleError, match="not what was sealed"):
        open_bundle(folder)
