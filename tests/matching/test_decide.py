"""Scores in, decision out."""

import math

import pytest

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.matching.decide import Decision, Ranked, Thresholds, decide

NAN = math.nan


def ranking(*confidences: float) -> list[Ranked]:
    """Intents a, b, c ... with these confidences."""
    return [Ranked("abcdef"[i], confidence) for i, confidence in enumerate(confidences)]


@pytest.mark.parametrize(
    ("confidences", "kind", "options"),
    [
        ((0.9, 0.05), "answer", ()),
        ((0.8, 0.1), "answer", ()),
        ((0.79, 0.1), "clarify", ("a", "b")),
        ((0.4, 0.3), "clarify", ("a", "b")),
        ((0.4, 0.2, 0.1), "clarify", ("a", "b", "c")),
        ((0.3, 0.2, 0.1, 0.1), "clarify", ("a", "b", "c", "d")),
        ((0.3, 0.1, 0.1, 0.1, 0.1), "fallback", ()),
        ((0.4, 0.4), "clarify", ("a", "b")),
        ((0.5,), "fallback", ()),
        ((), "fallback", ()),
        ((NAN, 0.5), "fallback", ()),
        ((0.79, NAN), "fallback", ()),
    ],
)
def test_confidence_decides(confidences: tuple[float, ...], kind: str, options: tuple[str, ...]) -> None:
    """Answer at the threshold, the smallest sufficient set below it, else fall back; NaN passes nothing."""
    decision = decide(ranking(*confidences), Thresholds(answer=0.8, clarify=0.7))

    assert (decision.kind, decision.options) == (kind, options)


def test_a_threshold_above_one_never_answers() -> None:
    """That is how a bundle says that its evidence is too thin."""
    assert decide(ranking(1.0, 0.0), Thresholds(answer=2.0, clarify=2.0)).kind == "fallback"


def test_only_an_answer_names_an_intent() -> None:
    """A clarifying question has not chosen yet."""
    thresholds = Thresholds(answer=0.8, clarify=0.7)

    assert decide(ranking(0.9), thresholds).intent == "a"
    assert decide(ranking(0.5, 0.3), thresholds).intent is None


def test_the_stored_columns_keep_the_raw_ranking() -> None:
    """The ranking and thresholds are stored beside the decision, whatever it was."""
    columns = decide(ranking(0.5, 0.3), Thresholds(0.8, 0.7), out_of_scope=0.2).columns()

    assert (columns["kind"], columns["intent"], columns["reason"]) == ("clarify", None, "between")
    assert (columns["confidence"], columns["options"]) == (0.5, ["a", "b"])
    assert [row["confidence"] for row in columns["ranking"]] == [0.5, 0.3]
    assert columns["thresholds"] == {"answer": 0.8, "clarify": 0.7}
    assert columns["out_of_scope"] == 0.2


def test_no_ranking_means_no_confidence() -> None:
    """Nothing is invented where nothing was scored."""
    assert Decision(DecisionKind.FALLBACK, (), (), DecisionReason.EMPTY).confidence == 0.0
