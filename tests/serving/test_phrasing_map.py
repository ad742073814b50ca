"""The map of phrasings: what is drawn, and which entries lie among each other."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from helpdesk.serving import phrasing_map
from helpdesk.serving.live import Live, LiveMatcher
from helpdesk.serving.phrasing_map import map_phrasings


def planted(live: Live, *rows: tuple[str, float], more: int = 0) -> Live:
    """What serves over these phrasings: an intent, and the angle of a vector in the plane."""
    bundle: Any = live.matcher.bundle
    angles = np.radians([angle for _, angle in rows])
    vectors = np.zeros((len(rows), bundle.vectors.shape[1]), dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    intents = tuple(sorted({intent for intent, _ in rows}))
    numbers = np.array([intents.index(intent) for intent, _ in rows], dtype=np.int32)
    ids = tuple(f"phrasing:{number}" for number in range(len(rows)))
    moved = replace(bundle, vectors=vectors, intents=intents, intent_of_row=numbers, phrasing_ids=ids)
    return replace(live, matcher=live.matcher.over(moved))


@pytest.fixture
def serving(live: LiveMatcher) -> Live:
    """What serves: the small FAQ."""
    taken = live.take()
    assert taken is not None
    return taken


def test_entries_apart_do_not_overlap(serving: Live) -> None:
    """Each phrasing is nearest to one of its own."""
    found = map_phrasings(planted(serving, ("vpn", 0), ("vpn", 5), ("wifi", 90), ("wifi", 95)))
    assert found.overlaps == ()
    assert (found.drawn, found.phrasings) == (4, 4)
    assert all(0 <= point.x <= 1 and 0 <= point.y <= 1 for point in found.points)


def test_entries_among_each_other_are_listed_most_first(serving: Live) -> None:
    """With how many of their phrasings are nearer to the other's."""
    rows = [("vpn", 0), ("wifi", 2), ("vpn", 40), ("wifi", 42), ("laptop", 200), ("laptop", 210), ("printer", 216)]
    found = map_phrasings(planted(serving, *rows))

    assert [(one.intents, one.among, one.phrasings) for one in found.overlaps] == [
        (("vpn", "wifi"), 4, 4),
        (("laptop", "printer"), 2, 3),
    ]
    assert found.overlaps[0].similarity == pytest.approx(np.cos(np.radians(2)), abs=1e-5)


def test_many_phrasings_are_sampled(serving: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ones each time, and it is said how many there are."""
    monkeypatch.setattr(phrasing_map, "MOST_DRAWN", 10)
    rows = [("vpn" if angle % 2 else "wifi", float(angle)) for angle in range(60)]
    found = map_phrasings(planted(serving, *rows))
    assert (found.drawn, found.phrasings) == (10, 60)
    assert found == map_phrasings(planted(serving, *rows))


def test_one_phrasing_and_none_are_drawn(serving: Live) -> None:
    """There is nothing to compare."""
    assert map_phrasings(planted(serving, ("vpn", 0))).drawn == 1
    assert map_phrasings(planted(serving, ("gone", 0))).drawn == 0
    assert map_phrasings(planted(serving, ("vpn", 0), ("vpn", 0))).overlaps == ()
