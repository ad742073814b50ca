"""What was encoded once is not encoded again, and nothing but the time it takes changes."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from helpdesk.learning.bundles import build as candidates
from helpdesk.learning.calibration.embedding_cache import CACHE_FOLDER, CachedEncoder, open_cached, read_cache
from helpdesk.learning.data.dataset import Dataset, read_dataset
from helpdesk.matching.bundle import ENCODER, open_bundle
from helpdesk.matching.encoder import CONFIG, Encoder
from helpdesk.records.database import open_database
from helpdesk.settings import Settings

pytestmark = pytest.mark.slow


@pytest.fixture
def first(settings: Settings) -> Path:
    """The first bundle."""
    (bundle,) = (path for path in settings.bundles.iterdir() if not path.name.startswith("."))
    return bundle


def dataset(settings: Settings) -> Dataset:
    """What there is to learn."""
    database = open_database(settings)
    with database.read() as session:
        taken = read_dataset(session)
    database.close()
    return taken


def build(folder: Path, settings: Settings, first: Path, *, incumbent: Path | None) -> candidates.Candidate:
    """A candidate around the encoder of the first bundle."""
    return candidates.build(
        folder,
        dataset(settings),
        kind="refreshed",
        encoder=first / ENCODER,
        measurement=None,
        settings=settings,
        facts={},
        progress=lambda stage, done, total: None,
        incumbent=incumbent,
    )


def test_reused_vectors_build_the_same_bundle(settings: Settings, first: Path, tmp_path: Path) -> None:
    """The same rows with the incumbent's vectors and without: the same content hash, and it opens."""
    fresh = build(tmp_path / "fresh", settings, first, incumbent=None)
    reused = build(tmp_path / "reused", settings, first, incumbent=fresh.directory)

    assert reused.report.content_hash == fresh.report.content_hash
    assert open_bundle(reused.directory).vectors.shape == open_bundle(first).vectors.shape


def test_known_texts_are_not_computed(first: Path) -> None:
    """Planted vectors come back as they are; the others are the network's."""
    encoder = Encoder(first / ENCODER)
    planted = np.zeros(encoder.dim, dtype=np.float32)
    key = "2cf24dba5fb0a30e26e83b2ac5b9e29e"  # of "hello"
    given = CachedEncoder(encoder, {key: planted}).encode(["hello", "a new text", "hello"])

    assert not given[0].any()
    assert not given[2].any()
    assert np.array_equal(given[1], encoder.encode(["a new text"])[0])


def test_another_network_recalls_nothing(first: Path, tmp_path: Path) -> None:
    """One byte is enough."""
    other = shutil.copytree(first / ENCODER, tmp_path / "other")

    assert read_cache(other, first)
    (other / CONFIG).write_text((other / CONFIG).read_text() + " ")
    assert not read_cache(other, first)


def test_bundles_from_before_are_no_obstacle(first: Path, tmp_path: Path) -> None:
    """Without cached vectors everything is computed."""
    old = shutil.copytree(first, tmp_path / "old")
    shutil.rmtree(old / CACHE_FOLDER)

    assert open_cached(first / ENCODER, threads=1, incumbent=old).encode(["some text"]).shape == (1, 32)
