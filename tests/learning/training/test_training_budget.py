"""What the time of a night is enough for, on a clock that the tests turn."""

from collections.abc import Sequence

import pytest

from helpdesk.learning.training import training_budget
from helpdesk.learning.training.training_budget import TrainingBudget


class Clock:
    """Stands still until a step is taken; stands in for the module `time`."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of budgets."""
    clock = Clock()
    monkeypatch.setattr(training_budget, "time", clock)
    return clock


def places(clock: Clock, time: TrainingBudget, *, steps: int, seconds: Sequence[float]) -> list[float]:
    """The places of one training whose steps take so long, the last of these again and again; a unit of work each."""
    found = []
    for number, place in enumerate(time.places(steps, work=steps)):
        clock.seconds += seconds[min(number, len(seconds) - 1)]
        found.append(place)
    return found


def test_with_time_enough_every_step_is_taken(clock: Clock) -> None:
    """At exactly the planned places, so that equal nights give equal weights however long their steps took."""
    assert places(clock, TrainingBudget(60, work=20), steps=20, seconds=[2.0, 0.1, 1.5, 0.3]) == list(range(20))


def test_too_little_time_thins_out_all_trainings_alike(clock: Clock) -> None:
    """Half the time: about half the steps of each, and the time is kept."""
    time = TrainingBudget(50, work=100)
    counts = [len(places(clock, time, steps=steps, seconds=[1.0])) for steps in (20, 20, 20, 40)]

    assert counts == pytest.approx([10, 10, 10, 20], abs=1)
    assert clock.seconds <= 51


def test_a_machine_that_gets_busy_costs_steps_from_then_on(clock: Clock) -> None:
    """The first training was planned in full; the budget holds all the same, but for a step."""
    time = TrainingBudget(60, work=40)
    before = places(clock, time, steps=20, seconds=[1.0])
    after = places(clock, time, steps=20, seconds=[4.0])

    assert before == list(range(20))
    assert 8 <= len(after) < 20
    assert clock.seconds <= 64


def test_a_slow_start_is_made_up_for(clock: Clock) -> None:
    """One slow step leaves a gap; as soon as the pace allows, every planned step is taken again."""
    found = places(clock, TrainingBudget(60, work=50), steps=50, seconds=[5.0, 0.5])

    assert found[1] > 1
    assert len(found) > 40
    assert found[-1] - found[-2] == pytest.approx(1)


def test_without_time_each_training_takes_one_step(clock: Clock) -> None:
    """So that there is an encoder to be judged."""
    time = TrainingBudget(0.001, work=20)

    assert [places(clock, time, steps=10, seconds=[1.0]) for _ in range(2)] == [[0], [0]]
