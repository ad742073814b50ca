"""The error-rate contract holds, and is kept by answering, not by silence."""

import numpy as np
import pytest
from numpy.typing import NDArray

from helpdesk.learning.scoring import OutOfFold
from helpdesk.learning.thresholds import NEVER, fit_thresholds, upper_bound


def stream(count: int, seed: int, *, shuffled: bool = False) -> OutOfFold:
    """Rows whose confidence is exactly the chance of being right; shuffled: it says nothing."""
    chance = np.random.default_rng(seed)
    true = chance.beta(3, 0.5, size=count)
    right = chance.random(count) < true
    confidence = chance.permutation(true) if shuffled else true
    return rows(confidence, right)


def rows(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> OutOfFold:
    """Out-of-fold results with these top confidences; what is wrong stands second."""
    second = (1 - confidence) / 2
    ranked = np.stack([confidence, second, second / 4, second / 8], axis=1)
    ranked_true = np.zeros_like(ranked, dtype=bool)
    ranked_true[:, 0], ranked_true[:, 1] = right, ~right
    truth = np.zeros(len(right), dtype=np.int32)
    best = np.where(right, 0, 1).astype(np.int32)
    return OutOfFold(np.arange(len(right)), truth, best, confidence, ranked, ranked_true, np.empty(0))


def test_the_contract_is_broken_in_at_most_one_run_of_ten() -> None:
    """Over 200 calibrations, fresh traffic exceeds the rate in at most 10% plus binomial noise."""
    fresh = stream(40_000, seed=10_000)
    broken = 0
    for seed in range(200):
        answer = fit_thresholds(stream(770, seed), max_wrong_rate=0.05, assurance=0.90).thresholds.answer
        answered = fresh.confidence >= answer
        broken += bool(answered.any() and (~fresh.right[answered]).mean() > 0.05)

    assert broken <= 28


def test_coverage_is_not_bought_by_timidity() -> None:
    """At least 70% of what an oracle would answer is answered."""
    fresh = stream(40_000, seed=10_000)
    order = np.argsort(-fresh.confidence)
    oracle = np.flatnonzero(np.cumsum(~fresh.right[order]) / np.arange(1, 40_001) <= 0.05)[-1] / 40_000
    covered = [
        (
            fresh.confidence >= fit_thresholds(stream(770, s), max_wrong_rate=0.05, assurance=0.9).thresholds.answer
        ).mean()
        for s in range(40)
    ]

    assert np.mean(covered) >= 0.7 * oracle


def test_shuffled_confidences_give_no_direct_answers() -> None:
    """A scorer that knows nothing may say nothing."""
    fitted = fit_thresholds(stream(800, 1, shuffled=True), max_wrong_rate=0.05, assurance=0.9)

    assert fitted.thresholds.answer == NEVER
    assert fitted.coverage == 0.0


def test_thin_evidence_says_how_much_more_it_needs() -> None:
    """Forty right rows cannot show 5% at 90%; forty-five can."""
    few = fit_thresholds(rows(np.full(40, 0.9), np.ones(40, bool)), max_wrong_rate=0.05, assurance=0.9)
    enough = fit_thresholds(rows(np.full(45, 0.9), np.ones(45, bool)), max_wrong_rate=0.05, assurance=0.9)

    assert (few.thresholds.answer, few.rows_needed) == (NEVER, 45)
    assert (enough.thresholds.answer, enough.rows_needed) == (0.9, 0)


@pytest.mark.parametrize(("wrong", "count", "bound"), [(0, 45, 0.05), (1, 77, 0.05), (2, 105, 0.05), (3, 3, 1.0)])
def test_the_bound_is_clopper_and_pearsons(wrong: int, count: int, bound: float) -> None:
    """The textbook's figures."""
    assert upper_bound(wrong, count, 0.9) == pytest.approx(bound, abs=0.0006)


def test_a_question_is_asked_only_when_it_probably_helps() -> None:
    """The offered few must hold the answer more likely than not."""
    assert fit_thresholds(stream(600, 2), max_wrong_rate=0.05, assurance=0.9).thresholds.clarify >= 0.5
