"""Training on a processor spends a seventh of a step on drawing dropout masks, so they are cut out of masks drawn once.

A mask (Srivastava et al. 2014) of a dropout module is a stretch at a random place of four million independent draws;
those inside attention are drawn as ever. Attention is computed step by step meanwhile: the fused one with dropout takes
longer there. A GPU draws masks in no time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_DRAWN: Final = 1 << 22


@contextmanager
def masks_drawn_once(model: "SentenceTransformer") -> Iterator[None]:
    """Within, the model on a processor trains so."""
    import torch

    if model.device.type != "cpu":
        yield
        return
    transformer: Any = model[0]
    attention = transformer.auto_model.config._attn_implementation
    transformer.auto_model.set_attn_implementation("eager")
    dropouts = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    masks = _Masks()
    for module in dropouts:
        module.forward = partial(masks.dropout, module)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for module in dropouts:
            del module.forward
        transformer.auto_model.set_attn_implementation(attention)


class _Masks:
    """What remains of each number, scaled so that the mean stays: 0 or 1 / (1 - p), by p and precision."""

    def __init__(self) -> None:
        self._drawn: dict[tuple[float, torch.dtype], torch.Tensor] = {}

    def dropout(self, module: "torch.nn.Dropout", values: "torch.Tensor") -> "torch.Tensor":
        """As the module itself would."""
        import torch

        count = values.numel()
        if not module.training or not module.p or count > _DRAWN // 2:
            return torch.nn.functional.dropout(values, module.p, module.training)
        kind = module.p, values.dtype
        if kind not in self._drawn:
            kept = torch.empty(_DRAWN).bernoulli_(1.0 - module.p)
            self._drawn[kind] = (kept / (1.0 - module.p)).to(values.dtype)
        start = int(torch.randint(_DRAWN - count + 1, ()))
        return values * self._drawn[kind][start : start + count].view(values.shape)
