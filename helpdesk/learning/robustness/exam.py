"""Decide texts by a model that never saw them: a fold's encoder, index and scorer, or a bundle on held-out labels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from helpdesk.learning.calibration.folds import Fold, Intents
from helpdesk.learning.calibration.scorer_fit import FittedScorer
from helpdesk.learning.calibration.unseen import score_unseen
from helpdesk.learning.data.dataset import Snapshot
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
class Judge:
    """An encoder, the rows it may look at (unit vectors [n, dim], intents [n]) and the scorer fitted on them."""

    encode: Encode
    scorer: Scorer
    vectors: Vectors
    intents: Intents

    def score(self, texts: Sequence[str]) -> Iterator[Scores]:
        """Score normalised texts one by one."""
        return score_unseen(self.scorer, self.encode(texts), indexed=self.vectors, intents=self.intents)


@dataclass(frozen=True)
class Question:
    """A message with known intent, and the number of the judge that never saw it."""

    text: str
    intent: str
    judge: int


@dataclass(frozen=True)
class Exam:
    """Messages with known intents, and judges that decide any variant of them without having seen them.

    source: HELD_OUT or OUT_OF_FOLD; intents: names by number. A text is decided once by the same judge.
    """

    source: str
    questions: tuple[Question, ...]
    judges: tuple[Judge, ...]
    intents: tuple[str, ...]
    thresholds: Thresholds
    _decided: dict[tuple[int, str], Decision] = field(default_factory=dict, repr=False)

    def decide(self, asked: Sequence[tuple[Question, str]]) -> list[Decision]:
        """The decision about each normalised text by the judge of its question, without exact matches."""
        fresh = {(question.judge, text) for question, text in asked} - self._decided.keys()
        for number, judge in enumerate(self.judges):
            texts = sorted(text for owner, text in fresh if owner == number)
            if texts:
                scored = zip(texts, judge.score(texts), strict=True)
                self._decided.update({(number, text): self._decision(scores) for text, scores in scored})
        return [self._decided[question.judge, text] for question, text in asked]

    def _decision(self, scores: Scores) -> Decision:
        confidence = np.nan_to_num(scores.confidence, nan=0.0)
        best = np.argsort(-confidence, kind="stable")[:_RANKED]
        ranking = [Ranked(self.intents[row], float(confidence[row])) for row in best]
        return decide(ranking, self.thresholds, out_of_scope=scores.out_of_scope)


def set_exam(
    snapshot: Snapshot,
    fitted: FittedScorer,
    folds: Sequence[Fold],
    *,
    vectors: Vectors,
    encoders: Sequence[Encode],
    thresholds: Thresholds,
    size: int,
    seed: int,
) -> Exam:
    """Up to `size` messages that a candidate can be examined on, the same ones for the same seed.

    Held-out labels, judged by the candidate itself, when there are at least MIN_HELD_OUT of them; else training
    phrasings, each judged by the fold that left it and its near-duplicates out. `vectors` are the training rows'
    under the first of the `encoders`, the candidate's; the others never saw the test rows of fold 0, 1, ...
    """
    questions = [Question(row.text, row.intent, 0) for row in snapshot.holdout if row.intent in snapshot.intents]
    if len(questions) >= MIN_HELD_OUT:
        intents = np.array(snapshot.intent_numbers, dtype=np.int32)
        source, judges = HELD_OUT, [Judge(encoders[0], fitted.scorer, vectors, intents)]
    else:
        source, judges = OUT_OF_FOLD, _fold_judges(fitted, folds, encoders[1:])
        questions = _left_out(snapshot, folds)
    questions.sort(key=lambda question: text_key(f"{seed}:{question.text}"))
    return Exam(source, tuple(questions[:size]), tuple(judges), snapshot.intents, thresholds)


def _fold_judges(fitted: FittedScorer, folds: Sequence[Fold], encoders: Sequence[Encode]) -> list[Judge]:
    return [
        Judge(encode, scorer, fold.train_vectors, fold.train_intents)
        for scorer, fold, encode in zip(fitted.unseen, folds, encoders, strict=True)
    ]


def _left_out(snapshot: Snapshot, folds: Sequence[Fold]) -> list[Question]:
    return [
        Question(snapshot.train[row].text, snapshot.train[row].intent, number)
        for number, fold in enumerate(folds)
        for row in fold.test_rows
    ]
