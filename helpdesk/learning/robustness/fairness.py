"""Are messages that differ only in who seems to have written them answered alike?

Each message is decided in both variants of a slice. A slice is weak when the 95% interval of the paired difference in
answer rate or in accuracy excludes zero and the difference is at least two points.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from helpdesk.decisions import DecisionKind
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.robustness.exam import EvaluationItem, EvaluationSet
from helpdesk.learning.robustness.slices import FAIRNESS_SLICES, Slice
from helpdesk.matching.decide import Decision
from helpdesk.stats.intervals import Difference, difference
from helpdesk.text import normalise, text_key

LEAST_GAP = 0.02
PER_INTENT = 2


@dataclass(frozen=True)
class SliceResult:
    """One slice: its differences (second side minus first), and for a weak one the phrasings to add.

    add: (intent, text) of marked phrasings that teach the weaker side.
    """

    name: str
    sides: tuple[str, str]
    pairs: int
    answer_rate: Difference
    accuracy: Difference
    add: tuple[tuple[str, str], ...] = ()

    @property
    def weak(self) -> bool:
        """The rule of the module's docstring."""
        return bool(self._shown())

    @property
    def weaker_side(self) -> int:
        """0 or 1: the side that is served worse, as far as differences were shown."""
        return 1 if sum(self._shown()) < 0 else 0

    def _shown(self) -> list[float]:
        return [d.change for d in (self.answer_rate, self.accuracy) if d.clear and abs(d.change) >= LEAST_GAP]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "slice": self.name,
            "sides": list(self.sides),
            "pairs": self.pairs,
            "answer_rate": self.answer_rate.as_dict(),
            "accuracy": self.accuracy.as_dict(),
            "verdict": "weak" if self.weak else "ok",
            "add": [{"intent": intent, "text": text} for intent, text in self.add],
        }


def measure_fairness(
    evaluation: EvaluationSet, dataset: Dataset, *, seed: int, slices: Sequence[Slice] = FAIRNESS_SLICES
) -> list[SliceResult]:
    """Decide every message of the exam in both variants of every slice.

    A pair in which one variant is a training phrasing is left out.
    """
    known = {row.text for row in dataset.train}
    plan: list[tuple[Slice, list[tuple[EvaluationItem, tuple[str, str]]]]] = []
    for part in slices:
        unmarked = [question for question in evaluation.items if not part.carried_by(question.text)]
        pairs = [(question, _sides(part, question.text, seed)) for question in unmarked]
        plan.append((part, [(q, s) for q, s in pairs if s[0] != s[1] and not known & (set(s) - {q.text})]))
    asked = [(question, text) for _, pairs in plan for question, sides in pairs for text in sides]
    decisions = iter(evaluation.decide(asked))
    return [
        _result(part, [(question, next(decisions), next(decisions)) for question, _ in pairs], dataset, seed)
        for part, pairs in plan
    ]


def _sides(part: Slice, text: str, seed: int) -> tuple[str, str]:
    first, second = part.pair(text, seed=seed)
    return normalise(first), normalise(second)


def _result(
    part: Slice, asked: Sequence[tuple[EvaluationItem, Decision, Decision]], dataset: Dataset, seed: int
) -> SliceResult:
    answered = [(first.kind == DecisionKind.ANSWER, second.kind == DecisionKind.ANSWER) for _, first, second in asked]
    right = [(_right(q, first), _right(q, second)) for q, first, second in asked]
    result = SliceResult(
        part.name,
        part.sides,
        len(asked),
        difference([a for a, _ in answered], [b for _, b in answered]),
        difference([a for a, _ in right], [b for _, b in right]),
    )
    if not result.weak:
        return result
    return replace(result, add=tuple(_to_add(part, result.weaker_side, asked, dataset, seed)))


def _right(question: EvaluationItem, decision: Decision) -> bool:
    return bool(decision.ranking) and decision.ranking[0].intent == question.intent


def _served(question: EvaluationItem, decision: Decision) -> int:
    """2 for a right direct answer, 1 when the best intent is right but not answered directly, 0 when it is wrong."""
    if not _right(question, decision):
        return 0
    return 2 if decision.kind == DecisionKind.ANSWER else 1


def _to_add(
    part: Slice,
    side: int,
    asked: Sequence[tuple[EvaluationItem, Decision, Decision]],
    dataset: Dataset,
    seed: int,
) -> list[tuple[str, str]]:
    """Marked phrasings for every intent, those that lose most on the weaker side first, measured messages last.

    Every intent gets equally many, because a mark that only some intents have would speak for those. They are made from
    the FAQ's own phrasings, since a bundle must not quote messages.
    """
    losses = Counter[str]()
    for question, first, second in asked:
        served = (_served(question, first), _served(question, second))
        losses[question.intent] += served[1 - side] - served[side]
    measured, known = {question.text for question, _, _ in asked}, set(dataset.texts)
    phrasings = [row for row in dataset.train if row.id.startswith("phrasing:")]
    chosen: dict[str, list[str]] = {row.intent: [] for row in phrasings}
    for row in sorted(phrasings, key=lambda row: (row.text in measured, text_key(row.text))):
        if len(chosen[row.intent]) < PER_INTENT and not part.carried_by(row.text):
            marked = _sides(part, row.text, seed)[side]
            chosen[row.intent] += [marked] if marked not in known else []
    order = sorted(chosen, key=lambda intent: (-losses[intent], intent))
    return [(intent, text) for intent in order for text in chosen[intent]]
