"""An import of many rows in almost the same words does not make the bot bolder about everything else."""

from dataclasses import replace
from pathlib import Path

import pytest
from faqs import starter

from helpdesk.learning.calibration.embedding_cache import open_cached
from helpdesk.learning.calibration.out_of_fold import fit, fit_contract_thresholds
from helpdesk.learning.data.dataset import Dataset, Row, shipped_out_of_scope
from helpdesk.matching.bundle import ENCODER
from helpdesk.settings import load_settings
from helpdesk.text import normalise


def threshold(given: Dataset, home: Path) -> float:
    """The answer threshold of a FAQ under the base model."""
    (bundle,) = (home / "bundles").iterdir()
    encoder, settings = open_cached(bundle / ENCODER, threads=2, incumbent=bundle), load_settings()
    vectors = encoder.encode(given.texts)
    fitted, _ = fit(given, encoder, vectors, None, settings, fold_encoders=(), progress=lambda *_: None)
    return fit_contract_thresholds(fitted, given, settings).thresholds.answer


@pytest.mark.slow
def test_alike_rows_leave_the_threshold_where_it_was(starter_home: Path) -> None:
    """It was .98 and fell to .90 with five times as many wrong answers when each of the rows counted."""
    faq = replace(starter(), out_of_scope=tuple(map(normalise, shipped_out_of_scope())))
    orders = tuple(Row(f"phrasing:o{n}", f"where is my order {100_000 + 791 * n}", "order") for n in range(500))
    more = replace(faq, train=(*faq.train, *orders), questions={**faq.questions, "order": "Where is my order?"})

    assert threshold(more, starter_home) > threshold(faq, starter_home) - 0.03
