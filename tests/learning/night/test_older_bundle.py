"""What serves was built by an older helpdesk, in a format that this one does not open."""

import json
import os
from pathlib import Path

import pytest
from homes import copy_home

from helpdesk.learning.night.plan import Plan
from helpdesk.learning.night.run import run_night
from helpdesk.matching import bundle as layout
from helpdesk.matching.encoder import encoder_files
from helpdesk.progress import Quiet
from helpdesk.records.database import open_database
from helpdesk.serving.live import LiveMatcher
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def settings(tiny_home: Path, tiny_base: Path, tmp_path: Path) -> Settings:
    """A copy of the tiny home whose only bundle is of the format before."""
    made = copy_home(tiny_home, tmp_path, base_model=str(tiny_base))
    (bundle,) = (path for path in made.bundles.iterdir() if not path.name.startswith("."))
    path = bundle / layout.MANIFEST
    older = json.loads(path.read_text()) | {"format": layout.FORMAT - 1}
    os.replace(_written(tmp_path / "manifest", json.dumps(older)), path)  # the copy shares its files
    return made


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_night_keeps_its_encoder_and_builds_the_rest_anew(settings: Settings) -> None:
    """Serving says what is wrong and what helps; after the night it answers, with the encoder that there was."""
    database = open_database(settings)
    live = LiveMatcher(database, settings)
    live.refresh()
    assert live.take() is None
    assert "helpdesk retrain" in (live.status().problem or "")

    report = run_night(settings, database, plan=Plan(minutes=1), progress=Quiet())
    live.refresh()
    database.close()

    assert report.promoted == 2
    assert report.verdicts["refreshed"].reasons == ("version 1 is of an older bundle format",)
    serving = live.take()
    assert serving is not None
    assert serving.match("forgot my password").intent == "password"
    before, after = sorted(path for path in settings.bundles.iterdir() if not path.name.startswith("."))
    kept, built = (encoder_files(folder / layout.ENCODER) for folder in (before, after))
    assert [path.read_bytes() for path in kept] == [path.read_bytes() for path in built]


def test_a_dry_run_changes_nothing(settings: Settings) -> None:
    """It builds, and promotes nothing."""
    database = open_database(settings)
    report = run_night(settings, database, plan=Plan(minutes=1, dry_run=True), progress=Quiet())
    database.close()

    assert set(report.candidates) == {"refreshed"}
    assert report.promoted is None
