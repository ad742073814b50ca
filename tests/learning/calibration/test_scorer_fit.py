"""Scoring is fitted on what was not seen, and is calibrated."""

from pathlib import Path

import numpy as np
import pytest
from fakes import clusters
from numpy.typing import NDArray

from helpdesk.errors import BundleError
from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.reliability import calibration_error
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import FittedScorer
from helpdesk.matching.index import Neighbours
from helpdesk.matching.scorer import INTENT_FEATURES, NEIGHBOURS, SCOPE_FEATURES, Scorer

NO_VECTORS = np.empty((0, 24), dtype=np.float32)


def out_of_scope(count: int, seed: int = 5) -> NDArray[np.float32]:
    """Unit vectors that belong to no intent."""
    return clusters(1, count, spread=5.0, seed=seed)[0]


def fit(intents: int = 8, rows: int = 12, spread: float = 0.25, oos: int = 60) -> FittedScorer:
    """A scorer on planted clusters."""
    vectors, truth = clusters(intents, rows, spread=spread)
    unknown = out_of_scope(oos) if oos else NO_VECTORS
    return fit_scorer(vectors, truth, unknown, frozen_folds(vectors, truth, unknown, seed=0), seed=0)


def score(fitted: FittedScorer, queries: NDArray[np.float32], rows: int = 12, intents: int = 8) -> NDArray[np.float64]:
    """Confidences [n, intents] the way serving computes them, one message at a time."""
    vectors, truth = clusters(intents, rows, spread=0.25)
    found = []
    for query in queries:
        similarities = vectors @ query
        order = np.argsort(-similarities)[:NEIGHBOURS]
        found.append(fitted.scorer.score(query, Neighbours(order, similarities[order]), truth).confidence)
    return np.array(found)


@pytest.mark.parametrize(("intents", "rows", "spread"), [(5, 3, 0.15), (8, 40, 0.25), (20, 40, 0.35)])
def test_the_combination_is_as_good_as_its_best_view(intents: int, rows: int, spread: float) -> None:
    """Whichever view suits the data, combining loses nothing that matters."""
    accuracy = fit(intents, rows, spread).report["out_of_fold_accuracy"]

    assert accuracy["combined"] >= max(accuracy[view] for view in INTENT_FEATURES) - 0.02


def test_confidence_means_what_it_says() -> None:
    """On fresh messages, answers given with 80% are right about 80% of the time."""
    fitted = fit(spread=0.3, rows=40)
    queries, truth = clusters(8, 60, spread=0.3, seed=7)
    vectors, known = clusters(8, 40, spread=0.3)
    confidence = []
    for query in queries:
        similarities = vectors @ query
        order = np.argsort(-similarities)[:NEIGHBOURS]
        confidence.append(fitted.scorer.score(query, Neighbours(order, similarities[order]), known).confidence)
    best = np.array(confidence)

    assert calibration_error(best.max(axis=1), best.argmax(axis=1) == truth) < 0.08


def test_the_unfamiliar_is_told_from_the_familiar() -> None:
    """Messages like no phrasing get little confidence for any intent."""
    fitted = fit()
    inside = score(fitted, clusters(8, 10, spread=0.25, seed=3)[0]).max(axis=1)
    strange = score(fitted, out_of_scope(80, seed=11)).max(axis=1)

    assert np.median(inside) > 0.8
    assert np.median(strange) < 0.3


def test_neighbours_at_one_distance_are_nearer_among_phrasings_that_lie_apart() -> None:
    """The sign of density: similarity to the nearest phrasings, less what those have among themselves."""
    tight, loose = clusters(2, 12, spread=0.1), clusters(2, 12, spread=0.5)
    vectors = np.concatenate([tight[0][tight[1] == 0], loose[0][loose[1] == 1]])
    truth = np.repeat(np.arange(2, dtype=np.int32), 12)
    folds = frozen_folds(vectors, truth, NO_VECTORS, seed=0)
    scorer = fit_scorer(vectors, truth, NO_VECTORS, folds, seed=0).scorer
    same = np.full((2, 12), 0.6, dtype=np.float32)

    scope = scorer.features(vectors[[0, 12]], same, np.repeat([[0], [1]], 12, axis=1)).scope

    density = SCOPE_FEATURES.index("density")
    assert scorer.density[0] > scorer.density[1]
    assert scope[0, density] < scope[1, density]
    assert scope[:, density] == pytest.approx(0.6 - scorer.density)


def test_it_works_without_any_out_of_scope_example() -> None:
    """What is out_of_scope is then learnt from rows whose own intent is taken away."""
    fitted = fit(oos=0)
    inside = score(fitted, clusters(8, 10, spread=0.25, seed=3)[0]).max(axis=1)
    strange = score(fitted, out_of_scope(80, seed=11)).max(axis=1)

    assert np.median(strange) < 0.8 < np.quantile(inside, 0.25)


def test_an_intent_with_one_phrasing_can_be_chosen() -> None:
    """Nothing is divided by the number of rows minus one."""
    vectors, truth = clusters(8, 12, spread=0.25)
    keep = np.flatnonzero((truth != 3) | (np.arange(len(truth)) == 36))
    fitted = fit_scorer(
        vectors[keep], truth[keep], NO_VECTORS, frozen_folds(vectors[keep], truth[keep], NO_VECTORS, seed=0), seed=0
    )
    similarities = vectors[keep] @ vectors[36]
    order = np.argsort(-similarities)[:NEIGHBOURS]
    scores = fitted.scorer.score(vectors[36], Neighbours(order, similarities[order]), truth[keep])

    assert scores.confidence.argmax() == 3


def test_two_intents_are_enough() -> None:
    """The smallest FAQ there can be."""
    vectors, truth = clusters(2, 5, spread=0.2)
    fitted = fit_scorer(vectors, truth, NO_VECTORS, frozen_folds(vectors, truth, NO_VECTORS, seed=0), seed=0)

    assert fitted.report["out_of_fold_accuracy"]["combined"] == 1.0


def test_a_nan_similarity_is_no_match() -> None:
    """It neither wins nor spreads."""
    fitted = fit()
    vectors, truth = clusters(8, 12, spread=0.25)
    similarities = (vectors @ vectors[0]).astype(np.float32)
    order = np.argsort(-similarities)[:NEIGHBOURS]
    broken = similarities[order].copy()
    broken[5:] = np.nan

    scores = fitted.scorer.score(vectors[0], Neighbours(order, broken), truth)

    assert np.isfinite(scores.confidence).all()
    assert scores.confidence.argmax() == 0


def test_confidences_and_out_of_scope_share_one_whole() -> None:
    """They are probabilities of alternatives."""
    fitted = fit()
    vectors, truth = clusters(8, 12, spread=0.25)
    similarities = vectors @ vectors[0]
    order = np.argsort(-similarities)[:NEIGHBOURS]
    scores = fitted.scorer.score(vectors[0], Neighbours(order, similarities[order]), truth)

    assert scores.confidence.sum() + scores.out_of_scope == pytest.approx(1.0)


def test_saving_and_loading_changes_no_score(tmp_path: Path) -> None:
    """Bit for bit."""
    scorer = fit().scorer
    scorer.save(tmp_path / "scorer.npz")
    loaded = Scorer.load(tmp_path / "scorer.npz")

    for name in ("head", "bias", "centroids", "density", "out_of_scope", "intent_weights", "scope_weights"):
        assert np.array_equal(getattr(scorer, name), getattr(loaded, name))


@pytest.mark.parametrize("fault", ["missing", "nan", "shape", "length"])
def test_a_damaged_scorer_is_refused(tmp_path: Path, fault: str) -> None:
    """Missing arrays, NaN and arrays that do not fit together never serve."""
    scorer = fit().scorer
    arrays = {name: getattr(scorer, name).copy() for name in vars(scorer)}
    if fault == "missing":
        del arrays["bias"]
    elif fault == "nan":
        arrays["head"][0, 0] = np.nan
    elif fault == "shape":
        arrays["centroids"] = arrays["centroids"][1:]
    else:
        arrays["density"] = arrays["density"][1:]
    np.savez(tmp_path / "scorer.npz", **arrays)

    with pytest.raises(BundleError):
        Scorer.load(tmp_path / "scorer.npz")


def test_near_duplicates_share_a_fold() -> None:
    """Groups are never torn apart between training and measuring."""
    vectors, truth = clusters(6, 10, spread=0.2)
    groups = np.arange(60) // 2

    for fold in frozen_folds(vectors, truth, NO_VECTORS, groups=groups, seed=1):
        measured = set(groups[fold.test_rows])
        assert not measured & set(groups[np.setdiff1d(np.arange(60), fold.test_rows)])


def test_every_row_is_measured_once() -> None:
    """No row is lost, none counts twice."""
    fitted = fit()

    assert sorted(fitted.out_of_fold.rows) == list(range(96))
