"""How a sealed bundle does on rows it never learnt: stored out-of-fold results and held-out labels."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from helpdesk.decisions import DecisionKind
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.gate.paired_tests import Outcome
from helpdesk.matching.bundle import EVALUATION, Bundle
from helpdesk.matching.decide import Decision
from helpdesk.matching.index import Vectors
from helpdesk.matching.matcher import Matcher
from helpdesk.text import OUT_OF_SCOPE


def read_evaluation(bundle: Bundle) -> dict[str, list[Any]]:
    """Row id -> [true intent, chosen intent, confidence], as measured when the bundle was built."""
    rows: dict[str, list[Any]] = json.loads((bundle.path / EVALUATION).read_text())["rows"]
    names = bundle.names
    return {
        row: [names.get(true, true), names.get(chosen, chosen), *more] for row, (true, chosen, *more) in rows.items()
    }


def out_of_fold(results: Mapping[str, Sequence[Any]], dataset: Dataset) -> dict[str, Outcome]:
    """Outcomes of stored out-of-fold results, for rows whose meaning has not changed since."""
    truth = {row.id: row.intent for row in dataset.train}
    return {
        row: Outcome(intent, chosen == intent, chosen)
        for row, (intent, chosen, _) in results.items()
        if truth.get(row) == intent
    }


def held_out(bundle: Bundle, dataset: Dataset, *, vectors: Vectors | None = None) -> dict[str, Outcome]:
    """Outcomes of a bundle on the held-out labels, decided by its saved artefacts.

    `vectors` are those of the held-out rows under its encoder, when somebody has them already.
    """
    if not dataset.holdout:
        return {}
    matcher = Matcher(bundle)
    if vectors is None:
        vectors = bundle.encoder.encode([row.text for row in dataset.holdout])
    return {
        row.id: _outcome(row.intent, matcher.decide_vector(vector, text=row.text))
        for row, vector in zip(dataset.holdout, vectors, strict=True)
    }


def _outcome(truth: str, decision: Decision) -> Outcome:
    best = decision.ranking[0]
    right = decision.kind != DecisionKind.ANSWER if truth == OUT_OF_SCOPE else best.intent == truth
    return Outcome(truth, right, best.intent, best.nearest, held_out=True)
