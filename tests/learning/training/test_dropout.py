"""Masks that are drawn once: what they leave out, and that nothing is left behind."""

from pathlib import Path

import pytest

from helpdesk.learning.training.base_model import load_base
from helpdesk.learning.training.dropout import masks_drawn_once

pytestmark = pytest.mark.slow


def test_each_mask_leaves_out_its_share_and_is_another_one(tiny_base: Path) -> None:
    """The mean stays; what is left out gets no gradient."""
    import torch

    model = load_base(str(tiny_base), threads=1)
    torch.manual_seed(0)
    dropout = next(module for module in model.modules() if isinstance(module, torch.nn.Dropout))
    dropout.p = 0.25
    values = torch.ones(200, 100, requires_grad=True)
    model.train()
    with masks_drawn_once(model):
        first, second = dropout(values), dropout(values)
        half = dropout(values.to(torch.bfloat16))
    first.sum().backward()

    assert first.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    assert (first == 0).float().mean() == pytest.approx(0.25, abs=0.02)
    assert (first == second).float().mean() == pytest.approx(0.25**2 + 0.75**2, abs=0.02)
    assert half.dtype == torch.bfloat16
    assert values.grad is not None
    assert torch.equal(values.grad, first.detach())


def test_afterwards_the_model_is_as_it_was(tiny_base: Path) -> None:
    """Also when training was broken off; and it drops nothing where it does not train."""
    import torch

    model = load_base(str(tiny_base), threads=1)
    attention = model[0].auto_model.config._attn_implementation  # type: ignore[union-attr]
    dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    values = torch.ones(4)
    with pytest.raises(KeyboardInterrupt), masks_drawn_once(model):
        model.eval()
        assert all(torch.equal(dropout(values), values) for dropout in dropouts)
        raise KeyboardInterrupt

    assert not any("forward" in vars(dropout) for dropout in dropouts)
    assert model[0].auto_model.config._attn_implementation == attention  # type: ignore[union-attr]
