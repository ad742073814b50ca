"""Damaged files of a kept version are found, and mended from intact copies in another one."""

import shutil
from pathlib import Path

import pytest
from versions_apart import flip

from helpdesk.matching.bundle import open_bundle
from helpdesk.matching.bundle_repair import check_bundle, repair_bundle


@pytest.fixture
def kept(tiny_home: Path, tmp_path: Path) -> list[Path]:
    """Two bundles with the same files, apart."""
    (sealed,) = (tiny_home / "bundles").iterdir()
    return [Path(shutil.copytree(sealed, tmp_path / name)) for name in ("first", "second")]


def test_damaged_and_lost_files_are_mended_from_the_other_bundle(kept: list[Path]) -> None:
    """Every file but the manifest, whose own hash is nowhere else."""
    first, _ = kept
    files = {path.relative_to(first).as_posix() for path in first.rglob("*") if path.is_file()} - {"manifest.json"}
    for number, name in enumerate(sorted(files)):
        if number % 2:
            flip(first / name)
        else:
            (first / name).unlink()
    damages = check_bundle(first)

    assert {found.file for found in damages} == files
    assert repair_bundle(first, damages, kept) == ()
    assert check_bundle(first) == ()
    open_bundle(first)
    assert not list(first.rglob(".*"))


def test_what_is_damaged_everywhere_stays_as_it_is(kept: list[Path]) -> None:
    """And is told again; a manifest cannot be made from another version's."""
    for bundle in kept:
        flip(bundle / "vectors.npy")
    flip(kept[1] / "manifest.json")
    for bundle, file in zip(kept, ("vectors.npy", "manifest.json"), strict=True):
        left = repair_bundle(bundle, check_bundle(bundle), kept)
        assert [found.file for found in left] == [file]


def test_a_bundle_that_shares_the_damaged_file_is_mended_by_itself(kept: list[Path]) -> None:
    """The copy takes the place of the shared file in one folder only."""
    first, second = kept
    third = first.with_name("third")
    shutil.copytree(second, third)
    (first / "scorer.npz").unlink()
    (first / "scorer.npz").hardlink_to(second / "scorer.npz")
    flip(first / "scorer.npz")

    assert repair_bundle(first, check_bundle(first), [*kept, third]) == ()
    assert [found.file for found in check_bundle(second)] == ["scorer.npz"]
