"""What a played arm amounts to, on arms written down by hand."""

from typing import Any

import numpy as np
import pytest

from helpdesk.simulation.arm import Kind, Played
from helpdesk.simulation.hidden import HiddenResult, as_shares, count_wrong, wrong_shares
from helpdesk.simulation.summary import gap_closed, labels_ratio, regressions
from helpdesk.text import OUT_OF_SCOPE

Summary = dict[str, Any]


def arm(*accuracies: float, labels: int = 40) -> Summary:
    """An arm that begins with the first accuracy and gets so many labels a night."""
    nights = [{"accuracy": value, "labels": labels * n} for n, value in enumerate(accuracies[1:], 1)]
    return {"start_accuracy": accuracies[0], "nights": nights}


def hidden(right: int, *, of: int = 100) -> HiddenResult:
    """A hidden test of which the first rows are right."""
    yes, no = np.ones(of, dtype=bool), np.zeros(of, dtype=bool)
    return HiddenResult(yes, yes, np.arange(of) < right, no, no)


def test_an_arm_that_learns_twice_as_fast_needs_half_the_labels() -> None:
    """The queue gains a point a night, random order half of one."""
    queue = arm(*(0.80 + 0.01 * n for n in range(31)))
    chance = arm(*(0.80 + 0.005 * n for n in range(31)))

    assert labels_ratio(queue, chance) == pytest.approx(0.5, abs=0.02)
    assert labels_ratio(queue, queue) == 1


def test_no_ratio_where_random_order_gains_nothing() -> None:
    """Nothing was needed to get where it began."""
    assert labels_ratio(arm(0.8, 0.9), arm(0.8, 0.8)) is None


def test_a_loss_counts_when_it_is_significant_and_promoted() -> None:
    """Twenty of ninety rows lost on night 1, one on night 2; on night 3 nothing was promoted."""
    played = Played(Kind("any"), versions=[1, 2, 3, 3])
    played.hidden = [hidden(90), hidden(70), hidden(69), hidden(40)]

    assert regressions(played) == [1]


def test_the_share_of_the_gap() -> None:
    """Half of the way, all of it, and none to go."""
    assert gap_closed(0.8, 0.85, 0.9) == pytest.approx(0.5)
    assert gap_closed(0.8, 0.9, 0.9) == pytest.approx(1)
    assert gap_closed(0.9, 0.95, 0.9) is None


def test_messages_out_of_scope_are_told_apart() -> None:
    """Three in scope, of which two are right; two out of scope, one of them answered; one that nobody asks any more."""
    result = HiddenResult(
        counts=np.array([1, 1, 1, 1, 1, 0], dtype=bool),
        inside=np.array([1, 1, 1, 0, 0, 1], dtype=bool),
        right=np.array([1, 1, 0, 1, 0, 1], dtype=bool),
        answered=np.array([1, 0, 1, 0, 1, 1], dtype=bool),
        wrong=np.array([0, 0, 1, 0, 1, 0], dtype=bool),
    )

    shares = as_shares(result.columns())

    assert shares["accuracy"] == pytest.approx(2 / 3)
    assert shares["coverage"] == pytest.approx(3 / 5)
    assert shares["wrong_rate"] == pytest.approx(2 / 3)
    assert shares["outside_refused"] == pytest.approx(1 / 2)


def test_what_was_wrong_on_a_day() -> None:
    """Of two answers one must be right; out of scope every answer is wrong; what got no answer does not count."""
    asked = [("a", "pin"), ("b", "pin"), ("c", "card"), ("d", OUT_OF_SCOPE), ("e", OUT_OF_SCOPE)]
    day = count_wrong([("pin",), ("card",), ("pin", "card"), ("pin",), ()], asked)

    assert day == {"answered": 4, "wrong": 2}
    assert wrong_shares(test={"answered": 0, "wrong": 0}, day=day) == {"wrong_share_test": None, "wrong_share_day": 0.5}
