"""How a sealed bundle does on rows it never learnt: stored out-of-fold results and held-out labels."""

import json

from helpdesk.learning.gate import Outcome
from helpdesk.learning.snapshot import NONE, Snapshot
from helpdesk.matching.bundle import EVALUATION, Bundle
from helpdesk.matching.decide import Ranked, decide
from helpdesk.matching.matcher import Matcher


def outcomes(bundle: Bundle, snapshot: Snapshot) -> dict[str, Outcome]:
    """Row id -> outcome, for training rows out of fold and for held-out labels, the exact path bypassed.

    An in-scope row is right when its intent is ranked first; an out-of-scope row when it is not answered.
    """
    return _out_of_fold(bundle, snapshot) | _held_out(bundle, snapshot)


def _out_of_fold(bundle: Bundle, snapshot: Snapshot) -> dict[str, Outcome]:
    truth = {row.id: row.intent for row in snapshot.train}
    stored = json.loads((bundle.path / EVALUATION).read_text())["rows"]
    return {
        row: Outcome(intent, chosen == intent, chosen)
        for row, (intent, chosen, _) in stored.items()
        if truth.get(row) == intent
    }


def _held_out(bundle: Bundle, snapshot: Snapshot) -> dict[str, Outcome]:
    if not snapshot.holdout:
        return {}
    matcher = Matcher(bundle)
    vectors = bundle.encoder.encode([row.text for row in snapshot.holdout])
    return {
        row.id: _outcome(row.intent, matcher.rank(vector), bundle)
        for row, vector in zip(snapshot.holdout, vectors, strict=True)
    }


def _outcome(truth: str, ranking: tuple[Ranked, ...], bundle: Bundle) -> Outcome:
    best = ranking[0]
    answered = decide(ranking, bundle.thresholds).kind == "answer"
    right = not answered if truth == NONE else best.intent == truth
    return Outcome(truth, right, best.intent, best.nearest)
