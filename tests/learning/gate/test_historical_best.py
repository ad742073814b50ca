"""What the gate remembers and what it takes for asked for: small steps do not add up, undoing is not refused."""

from dataclasses import replace

import pytest
from gate_cases import QUIET, fitted, rows, said, silenced_intents, too_little_coverage, too_many_changes

from helpdesk.decisions import DecisionKind, DecisionReason
from helpdesk.learning.gate.paired_tests import compare
from helpdesk.learning.gate.replay import Replay, ReplayedText, compare_decisions
from helpdesk.matching.decide import Decision, Ranked
from helpdesk.text import text_key


def resting_on(row: str | None, intent: str = "wifi") -> Decision:
    """An answer whose nearest phrasing is a row; None: the text itself was labelled."""
    return Decision(
        DecisionKind.ANSWER,
        (Ranked(intent, 0.97, row, 0.9),),
        (),
        DecisionReason.CONFIDENT if row else DecisionReason.EXACT,
    )


def undone(before: list[Decision], *, left_out: set[str], truth: str | None = None) -> Replay:
    """Distinct texts that were answered and are handed over now."""
    asked = [ReplayedText(n, f"text {n}", 1, truth) for n in range(len(before))]
    return compare_decisions(asked, before, [said("fallback")] * len(before), left_out=left_out)


def test_answers_do_not_end_by_small_steps() -> None:
    """Each step keeps more than half; below a tenth it is refused when more was possible of late, a tenth passes."""
    (objection,) = too_little_coverage(fitted(0.12), fitted(0.07), QUIET, best=0.6)

    assert objection.rule == "coverage"
    assert "only 7% of messages are answered directly, 60% of messages were within the last 30" in objection.reason
    assert too_little_coverage(fitted(0.12), fitted(0.10), QUIET, best=0.6) == []
    assert too_little_coverage(fitted(0.12), fitted(0.07), QUIET, best=0.09) == []
    assert too_little_coverage(fitted(0.05), fitted(0.06), QUIET, best=0.6) == []
    assert too_little_coverage(fitted(0.5, answered=15), fitted(0.0), QUIET, best=0.5) == []  # one row did that


def test_undoing_is_not_refused() -> None:
    """Answers that came from rows left out on purpose may go; the same answers from other rows may not."""
    before = [resting_on("label:7")] * 60
    asked_for, not_asked_for = undone(before, left_out={"label:7"}), undone(before, left_out={"label:8"})

    for replay, refused in ((asked_for, False), (not_asked_for, True)):
        assert bool(silenced_intents(replay)) is refused
        assert bool(too_many_changes(replay, budget=0.25)) is refused
        assert bool(too_little_coverage(fitted(0.6), fitted(0.6), replay)) is refused


def test_a_labelled_text_that_is_left_out_was_answered_by_its_label() -> None:
    """The exact path names no phrasing; the text does."""
    before = [resting_on(None)] * 60

    assert too_many_changes(undone(before, left_out={text_key(f"text {n}") for n in range(60)}), budget=0.25) == []
    assert too_many_changes(undone(before, left_out={text_key("text 1")}), budget=0.25)


def test_a_wrong_answer_may_go() -> None:
    """Staff said vpn, wifi was answered: handing over is no loss. When wifi was meant it is one."""
    before = [resting_on("phrasing:1")] * 60

    assert too_many_changes(undone(before, left_out=set(), truth="vpn"), budget=0.25) == []
    assert too_many_changes(undone(before, left_out=set(), truth="wifi"), budget=0.25)


@pytest.mark.parametrize("held_out", [True, False])
def test_rows_that_teach_do_not_hide_a_loss_on_those_that_do_not(held_out: bool) -> None:
    """Twenty lost and twenty others gained: refused when the lost ones are held out, else it is a draw."""
    lost = rows("1" * 20 + "1" * 40, prefix="label")
    gained = rows("0" * 20, prefix="phrasing", start=100)
    before = {row: replace(found, held_out=held_out) for row, found in lost.items()} | gained
    after = {row: replace(found, right=int(row.split(":")[1]) >= 20) for row, found in before.items()}

    assert (compare(before, after, flip_budget=0.5).slices_worse == ("held-out labels",)) is held_out
