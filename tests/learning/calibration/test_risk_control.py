"""The error-rate contract holds, and is kept by answering, not by silence."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from helpdesk.learning.calibration.out_of_fold import fit_contract_thresholds
from helpdesk.learning.calibration.out_of_scope_evidence import Assumed, OutOfScopeEvidence, gather_out_of_scope
from helpdesk.learning.calibration.risk_control import (
    NEVER,
    Contract,
    Counts,
    FittedThresholds,
    fit_thresholds,
    upper_bound,
)
from helpdesk.learning.calibration.scorer_results import FittedScorer, OutOfFold
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.matching.scorer import Scorer
from helpdesk.settings import load_settings
from helpdesk.text import text_key

NOBODY = np.empty(0)
NO_CODES = np.empty(0, dtype=np.uint32)

ASSUMED = Assumed(0.4, 0.0)


def stream(count: int, seed: int, *, shuffled: bool = False) -> OutOfFold:
    """Rows whose confidence is exactly the chance of being right; shuffled: it says nothing."""
    chance = np.random.default_rng(seed)
    true = chance.beta(3, 0.5, size=count)
    right = chance.random(count) < true
    confidence = chance.permutation(true) if shuffled else true
    return rows(confidence, right)


def fit(found: OutOfFold, *, out_of_scope: NDArray[np.float64] = NOBODY, share: float = 0.0) -> FittedThresholds:
    """At most 5% wrong, 90% sure, with these confidences of out-of-scope messages at their share of traffic."""
    return fit_thresholds(found, Contract(0.05, 0.90), out_of_scope=OutOfScopeEvidence(out_of_scope, share, "planted"))


def rows(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> OutOfFold:
    """Out-of-fold results with these top confidences; what is wrong stands second."""
    second = (1 - confidence) / 2
    ranked = np.stack([confidence, second, second / 4, second / 8], axis=1)
    ranked_true = np.zeros_like(ranked, dtype=bool)
    ranked_true[:, 0], ranked_true[:, 1] = right, ~right
    truth = np.zeros(len(right), dtype=np.int32)
    best = np.where(right, 0, 1).astype(np.int32)
    return OutOfFold(
        np.arange(len(right)), truth, best, confidence, ranked, ranked_true, np.empty(0), np.zeros(len(right))
    )


@pytest.mark.slow
def test_the_contract_is_broken_in_at_most_one_run_of_ten() -> None:
    """Over 200 calibrations, fresh traffic exceeds the rate in at most 10% plus binomial noise."""
    fresh = stream(40_000, seed=10_000)
    broken = 0
    for seed in range(200):
        answer = fit(stream(770, seed)).thresholds.answer
        answered = fresh.confidence >= answer
        broken += bool(answered.any() and (~fresh.right[answered]).mean() > 0.05)

    assert broken <= 28


def test_coverage_is_not_bought_by_timidity() -> None:
    """At least 70% of what an oracle would answer is answered."""
    fresh = stream(40_000, seed=10_000)
    order = np.argsort(-fresh.confidence)
    oracle = np.flatnonzero(np.cumsum(~fresh.right[order]) / np.arange(1, 40_001) <= 0.05)[-1] / 40_000
    covered = [(fresh.confidence >= fit(stream(770, s)).thresholds.answer).mean() for s in range(40)]

    assert np.mean(covered) >= 0.7 * oracle


def test_shuffled_confidences_give_no_direct_answers() -> None:
    """A scorer that knows nothing may say nothing."""
    fitted = fit(stream(800, 1, shuffled=True))

    assert fitted.thresholds.answer == NEVER
    assert fitted.coverage == 0.0


def test_thin_evidence_says_how_much_more_it_needs() -> None:
    """Forty right rows cannot show 5% at 90%; forty-five can."""
    few = fit(rows(np.full(40, 0.9), np.ones(40, bool)))
    enough = fit(rows(np.full(45, 0.9), np.ones(45, bool)))

    assert (few.thresholds.answer, few.rows_needed) == (NEVER, 5)
    assert (enough.thresholds.answer, enough.rows_needed) == (0.9, 0)


@pytest.mark.parametrize(("wrong", "count", "bound"), [(0, 45, 0.05), (1, 77, 0.05), (2, 105, 0.05), (3, 3, 1.0)])
def test_the_bound_is_clopper_and_pearsons(wrong: int, count: int, bound: float) -> None:
    """The textbook's figures."""
    assert upper_bound(Counts(count, count, wrong), 0.9) == pytest.approx(bound, abs=0.0006)


def test_a_question_is_asked_only_when_it_probably_helps() -> None:
    """The offered few must hold the answer more likely than not."""
    assert fit(stream(600, 2)).thresholds.clarify >= 0.5


def test_an_answered_out_of_scope_message_is_a_wrong_answer() -> None:
    """Confident out-of-scope messages at a quarter of the traffic close the mouth that is open without them."""
    sure = stream(800, 3)
    leaky, tight = np.full(300, 0.97), np.full(300, 0.1)

    assert fit(sure).thresholds.answer <= 0.97
    assert fit(sure, out_of_scope=leaky, share=0.25).thresholds.answer > 0.97
    assert fit(sure, out_of_scope=tight, share=0.25).coverage == fit(sure).coverage


@pytest.mark.slow
@pytest.mark.parametrize("stand_ins", [0, 400])
def test_the_contract_holds_with_out_of_scope_traffic_too(stand_ins: int) -> None:
    """Half of the traffic is out of scope, a tenth of it looks confident: at most 10% of runs exceed the rate, wherever
    the walk begins."""
    chance = np.random.default_rng(11)
    fresh = stream(40_000, seed=20_000)

    def strangers(count: int) -> NDArray[np.float64]:
        return np.where(chance.random(count) < 0.1, chance.beta(8, 2, count), chance.beta(1, 8, count))

    others = strangers(40_000)
    broken = 0
    for seed in range(60):
        evidence = OutOfScopeEvidence(strangers(400), 0.5, "planted", strangers(stand_ins))
        answer = fit_thresholds(stream(770, seed), Contract(0.05, 0.90), out_of_scope=evidence).thresholds.answer
        wrong = (~fresh.right[fresh.confidence >= answer]).sum() + (others >= answer).sum()
        answered = (fresh.confidence >= answer).sum() + (others >= answer).sum()
        broken += bool(answered and wrong / answered > 0.05)

    assert broken <= 10


def test_only_the_audit_lane_says_what_share_of_traffic_is_out_of_scope() -> None:
    """The queue puts doubted messages forward: half of its labels may be out of scope where a tenth of traffic is.

    What out-of-scope messages look like, labels do say, from thirty on.
    """
    found = replace(stream(50, 1), out_of_scope_confidence=np.linspace(0, 1, 40))

    sampled = gather_out_of_scope(found, taught=30, assumed=ASSUMED, share=0.1)
    assumed = gather_out_of_scope(found, taught=29, assumed=ASSUMED)
    queued = gather_out_of_scope(found, taught=30, assumed=ASSUMED)

    assert (sampled.share, len(sampled.confidence), sampled.source) == (0.1, 30, "the audit sample")
    assert (assumed.share, len(assumed.confidence), assumed.source) == (0.4, 40, "assumed")
    assert (queued.share, len(queued.confidence), queued.source) == (0.4, 30, "assumed")


@pytest.mark.parametrize(("near", "of_far", "of_near"), [(0.0, 40, 0), (0.2, 40, 10), (0.5, 40, 40), (1.0, 0, 200)])
def test_until_labels_tell_near_matters_have_their_assumed_share(near: float, of_far: int, of_near: int) -> None:
    """As many messages as there are of both at that mixture, from the surest to the least sure of each."""
    far, domain = np.linspace(0.0, 0.1, 40), np.linspace(0.5, 0.9, 200)
    found = replace(stream(200, 1), out_of_scope_confidence=far, near_confidence=domain)
    given = gather_out_of_scope(found, taught=0, assumed=Assumed(0.5, near)).confidence

    assert [int((given < 0.3).sum()), int((given > 0.3).sum())] == [of_far, of_near]
    assert given.max() == (domain if of_near else far).max()


def test_where_near_matters_are_answered_surely_less_is_answered() -> None:
    """Messages about what no entry answers that look like what one does: the contract holds for them too."""
    found = replace(
        stream(3000, 2), out_of_scope_confidence=np.full(300, 0.01), near_confidence=np.linspace(0, 1, 3000)
    )

    def coverage(near: float) -> float:
        evidence = gather_out_of_scope(found, taught=0, assumed=Assumed(0.3, near))
        return fit_thresholds(found, Contract(0.05, 0.90), out_of_scope=evidence).coverage

    assert coverage(0.0) > coverage(0.3) > 0
    assert coverage(0.3) > coverage(1.0)


@pytest.mark.parametrize("taught", [0, 1, 10, 29, 30])
def test_a_few_labels_out_of_scope_do_not_end_all_answers(taught: int) -> None:
    """Three messages that are not answered do not show that none is: until thirty, shipped ones count beside them."""
    found = replace(stream(1500, 3), out_of_scope_confidence=np.full(200, 0.01))
    out_of_scope = gather_out_of_scope(found, taught=taught, assumed=ASSUMED, share=0.05)

    assert fit_thresholds(found, Contract(0.05, 0.90), out_of_scope=out_of_scope).coverage > 0.3


def labelled_stream(
    count: int, *, doubted: int, put_forward: bool = False, fresh: bool = False, agreeing: int = 0
) -> FittedThresholds:
    """Limits for rows like traffic and for as many doubted ones as are named, all of which the scorer gets wrong.

    fresh: those are labels of the last week that were said once; beside as many agreeing ones that it gets right.
    """
    usual = stream(count, seed=5)
    labels = doubted + agreeing
    confidence = np.r_[usual.confidence, np.full(labels, 0.97)]
    right = np.r_[usual.right, np.zeros(doubted, bool), np.ones(agreeing, bool)]
    letters = str.maketrans("0123456789", "ghijklmnop")  # texts that are no near-duplicates of each other
    train = [Row(f"phrasing:{n}", text_key(str(n)).translate(letters), "a") for n in range(count)]
    train += [Row(f"label:{n}", f"doubt {n}", "a", put_forward, fresh, fresh) for n in range(labels)]
    nothing = np.zeros((1, 4), dtype=np.float32)
    scorer = Scorer(nothing, nothing[0], nothing, nothing[0], nothing, NO_CODES, NO_CODES, np.zeros(3), np.zeros(11))
    found = rows(confidence, right)
    fitted = FittedScorer(scorer, found, found, {}, (), np.empty(0, dtype=np.int64))
    return fit_contract_thresholds(fitted, Dataset(tuple(train), (), (), {}, {"a": "a"}), load_settings())


def test_slips_of_the_finger_do_not_end_all_answers() -> None:
    """Labels that contradict a sure bot count when they were said again, and once they are a week old."""
    alone = labelled_stream(600, doubted=0, agreeing=400, fresh=True)

    assert labelled_stream(600, doubted=40, agreeing=400, fresh=True).thresholds == alone.thresholds
    assert labelled_stream(600, doubted=40, agreeing=400).answered < alone.answered


def test_many_contradictions_are_no_slips() -> None:
    """Beyond a tenth of the week's labels, and beyond five, the bot is wrong rather than the staff."""
    assert labelled_stream(600, doubted=60, agreeing=400, fresh=True) == labelled_stream(600, doubted=60, agreeing=400)
    assert labelled_stream(600, doubted=6, fresh=True) == labelled_stream(600, doubted=6)
    assert labelled_stream(600, doubted=5, fresh=True).thresholds == labelled_stream(600, doubted=0).thresholds


def test_doubted_messages_do_not_stand_for_traffic() -> None:
    """Labels of the queue leave the limits where traffic puts them; the audit lane's labels count."""
    alone = labelled_stream(600, doubted=0, put_forward=True)

    assert alone.answered
    assert labelled_stream(600, doubted=300, put_forward=True).thresholds == alone.thresholds
    assert labelled_stream(600, doubted=300, put_forward=False).answered < alone.answered


def test_with_little_else_doubted_messages_count() -> None:
    """Too little evidence is no licence to forget the rest of it."""
    alone = labelled_stream(200, doubted=0, put_forward=True)

    assert labelled_stream(200, doubted=100, put_forward=True).answered < alone.answered


def test_no_threshold_behind_a_failed_one_is_taken() -> None:
    """Thresholds are tried from safe to loose; where many surely right rows follow bad ones, the walk ends before."""
    confidence = np.linspace(0.999, 0.8, num=1000)
    good, late = np.ones(1000, bool), np.ones(1000, bool)
    late[20:300:8] = False
    fitted = fit(rows(confidence, late))

    assert upper_bound(Counts(1000, 1000, int((~late).sum())), 0.9) < 0.05, "all rows together would pass"
    assert fit(rows(confidence, good)).answered > 900
    assert fitted.thresholds.answer > confidence[300]


def test_near_messages_do_not_end_all_answers() -> None:
    """Six messages in ten out of scope and near, 180 of them labelled, and rows in scope that are nearly all right: the
    walk begins where messages like them say that few are answered, not where the rows in scope alone would have it."""
    chance = np.random.default_rng(0)
    true = chance.beta(10, 0.15, size=630)
    found = rows(true, chance.random(630) < true)
    labelled, others = (chance.beta(1, 2, size=n) for n in (180, 400))

    def fitted(expected: NDArray[np.float64]) -> FittedThresholds:
        evidence = OutOfScopeEvidence(labelled, 0.6, "the audit sample", expected)
        return fit_thresholds(found, Contract(0.05, 0.90), out_of_scope=evidence)

    assert fitted(NOBODY).answered == 0
    assert fitted(others).coverage > 0.9
    assert fitted(others).bound <= 0.05
