"""The rule for intents that recent messages were answered with and hardly any would be, labelled rows or not."""

import numpy as np
import pytest
from gate_cases import silenced_intents

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.gate.replay import Replay, ReplayedText, compare_decisions
from helpdesk.matching.decide import Decision, Ranked

SILENT = Decision(DecisionKind.FALLBACK, (), (), DecisionReason.UNSURE)


def answered(intent: str) -> Decision:
    """A direct answer."""
    return Decision(DecisionKind.ANSWER, (Ranked(intent, 0.9),), (), DecisionReason.CONFIDENT)


def replayed(before: list[Decision], after: list[Decision], *, truth: str | None = None) -> Replay:
    """One distinct text a decision."""
    asked = [ReplayedText(n, f"text {n}", 1, truth) for n in range(len(before))]
    return compare_decisions(asked, before, after)


def test_an_intent_without_labelled_rows_is_silenced() -> None:
    """All of six answers gone is refused with the messages; two of them kept, or labels that ask for it, are not."""
    before = [answered(f"i{n % 10}") for n in range(60)]

    def after(kept: int) -> list[Decision]:
        return [SILENT if n % 10 == 3 and n >= 10 * kept else old for n, old in enumerate(before)]

    (objection,) = silenced_intents(replayed(before, after(0)))

    assert objection.rule == "intent"
    assert "i3" in objection.reason
    assert set(objection.rows) == {f"message:{n}" for n in range(3, 60, 10)}
    assert silenced_intents(replayed(before, after(2))) == []
    assert silenced_intents(replayed(before, after(0), truth="")) == []


def test_a_night_that_answers_less_everywhere_silences_no_intent() -> None:
    """With half of all answers gone, one intent in ten that loses all six of its own is chance."""
    before = [answered(f"i{n % 10}") for n in range(60)]
    after = [SILENT if n % 10 == 3 or n % 2 else old for n, old in enumerate(before)]

    assert silenced_intents(replayed(before, after)) == []


@pytest.mark.slow
def test_equal_nights_over_many_intents_raise_one_alarm_in_a_hundred() -> None:
    """A tenth of 8 answers of each of 77 intents goes, more for some than for others; a dead one is still seen."""
    random, nights, level = np.random.default_rng(5), 200, 0.01
    before = [answered(f"i{intent}") for intent in range(77) for _ in range(8)]
    refused = 0
    for _ in range(nights):
        shares = np.repeat(random.beta(0.9, 8.1, size=77), 8)  # correlation 0.1 within an intent
        gone = random.random(len(before)) < shares
        after = [SILENT if lost else old for old, lost in zip(before, gone, strict=True)]
        refused += bool(silenced_intents(replayed(before, after), level=level))

    assert refused <= 0.02 * nights
    assert silenced_intents(replayed(before, [SILENT] * 8 + before[8:]), level=level)
