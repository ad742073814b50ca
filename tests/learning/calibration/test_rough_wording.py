"""Thresholds are fitted to phrasings as people may type them; what labels say is taken as it was typed."""

from dataclasses import replace

import numpy as np
from fakes import clusters

from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.out_of_fold import fit_contract_thresholds
from helpdesk.learning.calibration.rough_wording import as_typed
from helpdesk.learning.calibration.scorer_fit import fit_scorer
from helpdesk.learning.calibration.scorer_results import FittedScorer
from helpdesk.learning.data.dataset import Dataset, Row
from helpdesk.settings import load_settings

TEXTS = [f"how do i reset the password of account number {n}" for n in range(200)]
PHRASINGS = tuple(Row(f"phrasing:{n}", text, f"intent {n % 8}") for n, text in enumerate(TEXTS))
DATASET = Dataset(PHRASINGS, (), (), {}, {})


def unmended(text: str) -> str:
    """No typing error is mended."""
    return text


def test_the_asked_share_of_phrasings_is_typed_otherwise() -> None:
    """Always the same ones in the same way; another seed takes others."""
    rough = as_typed(DATASET, share=0.3, seed=0, mend=unmended)
    changed = [rough[n] != text for n, text in enumerate(TEXTS)]

    assert as_typed(DATASET, share=0.0, seed=0, mend=unmended) == TEXTS
    assert 0.2 < np.mean(changed) < 0.4
    assert rough == as_typed(DATASET, share=0.3, seed=0, mend=unmended)
    assert rough != as_typed(DATASET, share=0.3, seed=1, mend=unmended)


def test_labelled_messages_stay_as_they_were_typed() -> None:
    """They are rough already."""
    labelled = replace(DATASET, train=tuple(replace(row, id=f"label:{n}") for n, row in enumerate(PHRASINGS)))

    assert as_typed(labelled, share=1.0, seed=0, mend=unmended) == TEXTS


def test_what_serving_mends_is_mended() -> None:
    """A slip that the speller takes back does no harm."""
    assert as_typed(DATASET, share=1.0, seed=0, mend=lambda _: "mended").count("mended") == len(TEXTS)


def fitted(*, noise: float) -> FittedScorer:
    """Planted clusters; a third of the rows are typed so that their vectors lie off by some noise."""
    vectors, truth = clusters(8, 25, spread=0.25)
    asked = vectors.copy()
    asked[::3] += noise * np.random.default_rng(0).normal(size=asked[::3].shape).astype(np.float32)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    strangers = clusters(1, 60, spread=5.0, seed=5)[0]
    folds = frozen_folds(vectors, truth, strangers, typed=asked, seed=0)
    return fit_scorer(vectors, truth, strangers, folds, seed=0)


def test_rough_wording_costs_answers_and_no_measurement() -> None:
    """What versions are compared by is the wording as it stands; only the thresholds hold for the rougher one."""
    clean, rough = fitted(noise=0.0), fitted(noise=2.0)
    settings = load_settings(max_wrong_rate=0.2, assurance=0.5, assumed_out_of_scope=0.0)
    answered = [fit_contract_thresholds(found, DATASET, settings).coverage for found in (clean, rough)]

    assert np.array_equal(clean.out_of_fold.confidence, rough.out_of_fold.confidence)
    assert clean.report == rough.report
    assert rough.as_typed.confidence.mean() < clean.as_typed.confidence.mean()
    assert answered[1] < answered[0]
