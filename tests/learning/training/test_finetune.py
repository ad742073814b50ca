"""How far each step of a fine-tuning goes: told by the optimizer itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.batches import CHUNK, Batches
from helpdesk.learning.training.finetune import TrainingPlan, fine_tune

if TYPE_CHECKING:
    import torch

pytestmark = pytest.mark.slow

SUBJECTS = ("red ball", "blue car", "green tree", "black cat")
ROWS = [(f"{verb} the {subject}", n) for n, subject in enumerate(SUBJECTS) for verb in ("see", "find", "buy", "paint")]
PEAK, STEPS = 1e-3, 20


class Steps:
    """The learning rate and the length of the gradient at each step."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.gradients: list[float] = []

    def __call__(self, optimizer: "torch.optim.Optimizer", *_: Any) -> None:
        """Just before a step."""
        self.rates.append(max(group["lr"] for group in optimizer.param_groups))
        import torch

        given = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        self.gradients.append(float(torch.linalg.vector_norm(torch.stack([g.norm() for g in given]))))


@pytest.fixture
def steps() -> Iterator[Steps]:
    """What every optimizer does meanwhile."""
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    seen = Steps()
    handle = register_optimizer_step_pre_hook(seen)
    yield seen
    handle.remove()


def train(base: Path, *, temperature: float = 0.05) -> None:
    """A short fine-tuning of the tiny model."""
    plan = TrainingPlan(steps=STEPS, intents=4, learning_rate=PEAK, temperature=temperature)
    texts, intents = [text for text, _ in ROWS], [n for _, n in ROWS]
    fine_tune(load_base(str(base), threads=1), texts, intents=intents, plan=plan, seed=0, progress=lambda *_: None)


def test_the_learning_rate_rises_to_its_peak_and_falls_to_nothing(tiny_base: Path, steps: Steps) -> None:
    """Warm-up in the first steps, then a little less at each one."""
    train(tiny_base)
    peak = steps.rates.index(max(steps.rates))
    falling = steps.rates[peak + 1 :]

    assert len(steps.rates) == STEPS
    assert 0 < peak <= 0.2 * STEPS
    assert max(steps.rates) == pytest.approx(PEAK)
    assert steps.rates[: peak + 1] == sorted(steps.rates[: peak + 1])
    assert falling == sorted(falling, reverse=True)
    assert falling[-1] < 0.1 * PEAK


def test_however_steep_the_loss_a_step_is_bounded(tiny_base: Path, steps: Steps) -> None:
    """A gradient longer than 1 is shortened to that, so that no batch throws the weights far away."""
    train(tiny_base, temperature=1e-4)

    assert max(steps.gradients) > 0.99, "steep enough to tell"
    assert max(steps.gradients) <= 1.001


def test_a_plan_for_more_intents_than_there_are_still_gives_batches() -> None:
    """Rows of fewer intents than planned: all of them in each batch, two rows of each."""
    batches = iter(Batches(["a", "b", "c"], [0, 0, 1], lengths=[1, 1, 1], at_once=5, seed=0))

    assert [len(next(batches)) for _ in range(3)] == [4, 4, 4]


@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_each_process_gets_as_many_chunks(processes: int) -> None:
    """Of about as many texts, the shortest first; nothing is left out."""
    texts = ["x" * length for length in range(154, 0, -1)]
    batches = Batches(texts, [0] * 154, lengths=[len(text) for text in texts], at_once=1, seed=0)
    ordered = sorted(range(154), key=lambda row: len(texts[row]))

    chunks = batches.chunks(ordered, processes=processes)

    sizes = [len(chunk) for chunk in chunks]
    assert [text for chunk in chunks for text in chunk] == texts[::-1]
    assert max(sizes) <= CHUNK
    assert processes == 1 or (len(chunks) % processes == 0 and min(sizes) > max(sizes) / 2)
