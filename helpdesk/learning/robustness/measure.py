"""How a bundle does on messages typed differently, and on messages by different people.

Measured while the bundle is built, on a sample that costs seconds, and written into it as robustness.json.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from helpdesk.decisions import DecisionKind
from helpdesk.learning.data.dataset import Dataset
from helpdesk.learning.data.perturbations import NEGATION, PERTURBATIONS, perturb
from helpdesk.learning.robustness.exam import EvaluationItem, EvaluationSet
from helpdesk.learning.robustness.fairness import SliceResult, measure_fairness
from helpdesk.matching.decide import Decision
from helpdesk.records.candidate_report import RobustnessReport, SliceReport
from helpdesk.stats.intervals import Difference, difference
from helpdesk.text import normalise

_MOST, _FEWEST, _SHARE = 100, 12, 8


@dataclass(frozen=True)
class KindResult:
    """Messages against their variants of one kind.

    same_text: how many variants are the same text once normalised, so that nothing could change; wrong_answers: how
    many messages got a direct answer that is wrong, before and after.
    """

    kind: str
    pairs: int
    same_text: int
    accuracy: Difference
    answer_rate: Difference
    wrong_answers: tuple[int, int]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "accuracy": self.accuracy.as_dict(), "answer_rate": self.answer_rate.as_dict()}


@dataclass(frozen=True)
class NegationResult:
    """What became of messages with a direct answer when they were negated.

    A negated message means something else, and no FAQ says what: nothing here is right or wrong. `same_answer` got
    the same direct answer as before, `other_answer` another one, `hedged` a clarifying question or the fallback.
    """

    answered: int
    same_answer: int
    other_answer: int
    hedged: int


@dataclass(frozen=True)
class Robustness:
    """Both reports. source: what the messages were (see `evaluation.EvaluationSet`)."""

    source: str
    messages: int
    kinds: tuple[KindResult, ...]
    negation: NegationResult
    slices: tuple[SliceResult, ...]

    def as_dict(self) -> dict[str, Any]:
        """For robustness.json."""
        return {
            "source": self.source,
            "messages": self.messages,
            "perturbations": [kind.as_dict() for kind in self.kinds],
            "negation": vars(self.negation),
            "fairness": [part.as_dict() for part in self.slices],
        }

    def summary(self) -> dict[str, Any]:
        """Fields of a candidate's report: what changed by kind of perturbation, and the slices."""
        changes = {
            kind.kind: {"accuracy": kind.accuracy.change, "answer_rate": kind.answer_rate.change} for kind in self.kinds
        }
        return {
            "robustness": RobustnessReport(messages=self.messages, changes=changes),
            "fairness": tuple(SliceReport.model_validate(part.as_dict()) for part in self.slices),
        }


def evaluation_size(rows: int) -> int:
    """How many messages to decide, so that it takes seconds with this many training rows."""
    return min(_MOST, max(_FEWEST, rows // _SHARE))


def measure_robustness(evaluation: EvaluationSet, dataset: Dataset, *, seed: int) -> Robustness:
    """Decide variants of every message of the evaluation."""
    return Robustness(
        evaluation.source,
        len(evaluation.items),
        tuple(measure_kinds(evaluation, seed=seed)),
        measure_negation(evaluation, seed=seed),
        tuple(measure_fairness(evaluation, dataset, seed=seed)),
    )


def measure_kinds(evaluation: EvaluationSet, *, seed: int) -> list[KindResult]:
    """Each kind of perturbation but negation, on the messages that it can change."""
    plan = {kind: _variants(evaluation, kind, seed) for kind in PERTURBATIONS if kind != NEGATION}
    decisions = _decide_pairs(evaluation, [pair for pairs in plan.values() for pair in pairs])
    results = []
    for kind, pairs in plan.items():
        results.append(_kind_result(kind, pairs, [next(decisions) for _ in pairs]))
    return results


def measure_negation(evaluation: EvaluationSet, *, seed: int) -> NegationResult:
    """The messages that are answered directly, negated."""
    found = list(_decide_pairs(evaluation, _variants(evaluation, NEGATION, seed)))
    became = Counter(_became(before, after) for before, after in found if before.kind == DecisionKind.ANSWER)
    return NegationResult(sum(became.values()), became["same"], became["other"], became["hedged"])


def _variants(evaluation: EvaluationSet, kind: str, seed: int) -> list[tuple[EvaluationItem, str]]:
    changed = ((question, perturb(question.text, kind, seed=seed)) for question in evaluation.items)
    variants = [(question, normalise(text)) for question, text in changed if text is not None]
    return [(question, text) for question, text in variants if text]


def _decide_pairs(
    evaluation: EvaluationSet, pairs: Sequence[tuple[EvaluationItem, str]]
) -> Iterator[tuple[Decision, Decision]]:
    asked = [(question, text) for question, variant in pairs for text in (question.text, variant)]
    decisions = iter(evaluation.decide(asked))
    return zip(decisions, decisions, strict=True)


def _kind_result(
    kind: str, pairs: Sequence[tuple[EvaluationItem, str]], decisions: Sequence[tuple[Decision, Decision]]
) -> KindResult:
    truth = [question.intent for question, _ in pairs]
    best = [(before.ranking[0].intent, after.ranking[0].intent) for before, after in decisions]
    right = [(before == true, after == true) for (before, after), true in zip(best, truth, strict=True)]
    answered = [(before.kind == DecisionKind.ANSWER, after.kind == DecisionKind.ANSWER) for before, after in decisions]
    wrong = [[a[side] and not r[side] for a, r in zip(answered, right, strict=True)] for side in (0, 1)]
    return KindResult(
        kind,
        len(pairs),
        sum(question.text == text for question, text in pairs),
        difference([before for before, _ in right], [after for _, after in right]),
        difference([before for before, _ in answered], [after for _, after in answered]),
        (sum(wrong[0]), sum(wrong[1])),
    )


def _became(before: Decision, after: Decision) -> str:
    if after.kind != DecisionKind.ANSWER:
        return "hedged"
    return "same" if after.intent == before.intent else "other"
