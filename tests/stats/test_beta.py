"""Quantiles of the beta distribution agree with SciPy's, which serving does without."""

import math

import pytest
from scipy.special import betaincinv

from helpdesk.stats.beta import beta_quantile

SHAPES = [0.5, 1.0, 1.7, 3.0, 20.25, 300.0, 4_000.5, 100_000.0]
TAILS = [1e-6, 0.005, 0.025, 0.1, 0.5, 0.9, 0.975, 0.999]


@pytest.mark.parametrize("a", SHAPES)
def test_quantiles_are_those_of_scipy(a: float) -> None:
    """From shapes of a fraction of a row to a hundred thousand rows, in both tails."""
    for b in SHAPES:
        for p in TAILS:
            expected = float(betaincinv(a, b, p))
            found = beta_quantile(a, b, p)
            assert math.isclose(found, expected, rel_tol=1e-8), (a, b, p, found, expected)
