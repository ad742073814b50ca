"""A night that finds the version in service damaged."""

from pathlib import Path

import pytest
from versions_apart import flip, own_home, promote_copy

from helpdesk.errors import BundleError
from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching.bundle import verify
from helpdesk.progress import Quiet
from helpdesk.records import versions
from helpdesk.records.database import Database, open_database
from helpdesk.records.versions import ROLLBACK
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow
CHEAP = Plan(minutes=1, finetune=False)


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A home whose files are its own."""
    return own_home(tiny_home, tmp_path, base_model=str(tiny_base))


@pytest.fixture
def second(settings: Settings) -> Path:
    """The bundle of a second version with the same files, in service by a rollback."""
    database = open_database(settings)
    bundle = promote_copy(settings, database, "second")
    with database.write() as session:
        versions.promote(session, 2, reason=ROLLBACK, author="ann")
    database.close()
    return bundle


def test_it_is_mended_from_another_version_and_served_again(
    settings: Settings, records: Database, second: Path
) -> None:
    """The report says so; a process that had fallen back serves it without anybody's doing, and the rollback stands."""
    flip(second / "scorer.npz")
    live = LiveMatcher(records, settings)
    live.refresh()
    assert live.status().version_id == 1

    report = run_night(settings, records, plan=CHEAP, progress=Quiet())
    live.refresh()

    assert any("version 2, which is in service, was damaged; repaired" in said for said in report.warnings)
    assert verify(second)
    assert (live.status().version_id, live.status().problem) == (2, None)
    with records.read() as session:
        assert versions.is_rolled_back(session)


def test_what_no_other_version_has_is_named(settings: Settings, records: Database, second: Path) -> None:
    """The night fails, its row says of which file, and what can be mended is mended all the same."""
    for bundle in (second, *(path for path in settings.bundles.iterdir() if path != second)):
        flip(bundle / "vectors.npy")
    flip(second / "scorer.npz")

    with pytest.raises(BundleError, match=r"vectors\.npy"):
        run_night(settings, records, plan=CHEAP, progress=Quiet())

    report = max((settings.home / "reports").glob("*.json"))
    assert "no kept version has a copy of vectors.npy" in report.read_text()
