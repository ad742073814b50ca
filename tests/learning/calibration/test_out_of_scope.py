"""Which out-of-scope examples measure a FAQ: those that are not what the FAQ answers."""

import numpy as np
from fakes import clusters

from helpdesk.learning.calibration.folds import frozen_folds
from helpdesk.learning.calibration.out_of_scope import too_near


def test_examples_as_near_as_what_belongs_are_doubted_but_never_what_staff_said() -> None:
    """The first ones were labelled by people; a shipped one that another intent's phrasings surround is left out."""
    vectors, intents = clusters(6, 10, spread=0.1)
    strangers = -vectors[:3]
    messages = np.concatenate([vectors[::10], strangers])
    folds = frozen_folds(vectors, intents, messages, seed=0)

    assert too_near(folds, taught=0).tolist() == [True] * 6 + [False] * 3
    assert too_near(folds, taught=4).tolist() == [False] * 4 + [True] * 2 + [False] * 3
