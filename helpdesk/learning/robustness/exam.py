"""Decide texts by a model that never saw them: a fold's encoder, index and scorer, or a bundle on held-out labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from helpdesk.learning.calibration.folds import Fold, Intents
from helpdesk.learning.calibration.scorer_results import FittedScorer
from helpdesk.learning.calibration.unseen import score_unseen
from helpdesk.learning.data.dataset import Dataset
from helpdesk.matching.decide import Decision, Ranked, Thresholds, decide
from helpdesk.matching.index import Vectors
from helpdesk.matching.scorer import Scorer, Scores
from helpdesk.text import text_key

Encode = Callable[[Sequence[str]], Vectors]
MIN_HELD_OUT = 50
HELD_OUT = "held-out labels"
OUT_OF_FOLD = "training phrasings out of fold"
_RANKED = 4


@dataclass(frozen=True)
class UnseenScorer:
    """An encoder, the rows it may look at (unit vectors [n, dim], intents [n]) and the scorer fitted on them."""

    encode: Encode
    scorer: Scorer
    vectors: Vectors
    intents: Intents

    def score(self, texts: Sequence[str]) -> Iterator[Scores]:
        """Score normalised texts one by one."""
        return score_unseen(self.scorer, self.encode(texts), indexed=self.vectors, intents=self.intents)


@dataclass(frozen=True)
class EvaluationItem:
    """A message with known intent, and the number of the judge that never saw it."""

    text: str
    intent: str
    scorer_number: int


@dataclass(frozen=True)
class EvaluationSet:
    """Messages with known intents, and scorers that decide any variant of them without having seen them.

    source: HELD_OUT or OUT_OF_FOLD; intents: names by number. A text is decided once by the same judge.
    """

    source: str
    items: tuple[EvaluationItem, ...]
    scorers: tuple[UnseenScorer, ...]
    intents: tuple[str, ...]
    thresholds: Thresholds
    _decided: dict[tuple[int, str], Decision] = field(default_factory=dict, repr=False)

    def decide(self, asked: Sequence[tuple[EvaluationItem, str]]) -> list[Decision]:
        """The decision about each normalised text by the judge of its question, without exact matches."""
        fresh = {(question.scorer_number, text) for question, text in asked} - self._decided.keys()
        for number, scorer in enumerate(self.scorers):
            texts = sorted(text for owner, text in fresh if owner == number)
            if texts:
                scored = zip(texts, scorer.score(texts), strict=True)
                self._decided.update({(number, text): self._decision(scores) for text, scores in scored})
        return [self._decided[question.scorer_number, text] for question, text in asked]

    def _decision(self, scores: Scores) -> Decision:
        confidence = np.nan_to_num(scores.confidence, nan=0.0)
        best = np.argsort(-confidence, kind="stable")[:_RANKED]
        ranking = [Ranked(self.intents[row], float(confidence[row])) for row in best]
        return decide(ranking, self.thresholds, out_of_scope=scores.out_of_scope)


def draw_evaluation_set(
    dataset: Dataset,
    fitted: FittedScorer,
    folds: Sequence[Fold],
    *,
    vectors: Vectors,
    encoders: Sequence[Encode],
    thresholds: Thresholds,
    size: int,
    seed: int,
) -> EvaluationSet:
    """Up to `size` messages that a candidate can be examined on, the same ones for the same seed.

    Held-out labels, judged by the candidate itself, when there are at least MIN_HELD_OUT of them; else training
    phrasings, each judged by the fold that left it and its near-duplicates out. `vectors` are the training rows'
    under the first of the `encoders`, the candidate's; the others never saw the test rows of fold 0, 1, ...
    """
    questions = [EvaluationItem(row.text, row.intent, 0) for row in dataset.holdout if row.intent in dataset.intents]
    if len(questions) >= MIN_HELD_OUT:
        intents = np.array(dataset.intent_numbers, dtype=np.int32)
        source, scorers = HELD_OUT, [UnseenScorer(encoders[0], fitted.scorer, vectors, intents)]
    else:
        source, scorers = OUT_OF_FOLD, _fold_scorers(fitted, folds, encoders[1:])
        questions = _left_out(dataset, folds)
    questions.sort(key=lambda question: text_key(f"{seed}:{question.text}"))
    return EvaluationSet(source, tuple(questions[:size]), tuple(scorers), dataset.intents, thresholds)


def _fold_scorers(fitted: FittedScorer, folds: Sequence[Fold], encoders: Sequence[Encode]) -> list[UnseenScorer]:
    return [
        UnseenScorer(encode, scorer, fold.train_vectors, fold.train_intents)
        for scorer, fold, encode in zip(fitted.unseen, folds, encoders, strict=True)
    ]


def _left_out(dataset: Dataset, folds: Sequence[Fold]) -> list[EvaluationItem]:
    return [
        EvaluationItem(dataset.train[row].text, dataset.train[row].intent, number)
        for number, fold in enumerate(folds)
        for row in fold.test_rows
    ]
