"""Paired differences of shares, and how sure one may be of them."""

import numpy as np
import pytest

from helpdesk.stats.intervals import difference


def test_the_interval_is_that_of_the_paper() -> None:
    """100 messages, 5 gained and 20 lost: (6 - 21) / 102 plus or minus 1.96 standard errors."""
    before = [False] * 5 + [True] * 20 + [True] * 75
    after = [True] * 5 + [False] * 20 + [True] * 75
    found = difference(before, after)

    assert found.change == pytest.approx(-0.15)
    assert found.low == pytest.approx(-0.2426, abs=1e-3)
    assert found.high == pytest.approx(-0.0515, abs=1e-3)
    assert found.clear


def test_no_disagreement_is_no_difference_but_not_certainty() -> None:
    """The interval of twenty equal pairs is wide, that of two thousand narrow."""
    few, many = difference([True] * 20, [True] * 20), difference([True] * 2000, [True] * 2000)

    assert not few.clear
    assert not many.clear
    assert few.high > 0.1 > 0.01 > many.high


def test_without_messages_nothing_is_known() -> None:
    """Neither a crash nor a difference."""
    assert not difference([], []).clear


def test_the_interval_covers_the_truth() -> None:
    """In at least 93 of 100 simulated samples of 60 pairs with a true difference of 10 points."""
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(1000):
        kind = random.choice(4, size=60, p=[0.6, 0.2, 0.15, 0.05])
        found = difference([k in (0, 2) for k in kind], [k in (0, 3) for k in kind])
        covered += found.low <= -0.1 <= found.high

    assert covered >= 930
