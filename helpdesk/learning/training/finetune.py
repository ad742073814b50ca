"""Fine-tune a sentence-transformers encoder so that phrasings of one intent lie together and others apart.

Supervised contrastive loss (Khosla et al. 2020, arXiv 2004.11362) over label-aware batches: two phrasings of an intent
are each other's positives, never negatives. Training starts from the base weights every time; the result is moved part
of the way back to them (Wortsman et al. 2022, arXiv 2109.01903), which keeps what the base model knew about messages
unlike any phrasing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from helpdesk.learning.training import several_processes
from helpdesk.learning.training.base_model import default_prompt, left_out_tokens
from helpdesk.learning.training.batches import VIEWS_PER_INTENT, Batches
from helpdesk.learning.training.dropout import masks_drawn_once

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

    from helpdesk.learning.training.losses import AuxiliaryLosses
    from helpdesk.learning.training.validation import Validation

Progress = Callable[[int, int], None]
TEMPERATURE = 0.05
LEARNING_RATE = 1.5e-4
WARM_UP = 0.1
WEIGHT_DECAY = 0.01
KEPT_FEW, KEPT_MANY = 0.85, 0.65  # share of the way from base to tuned weights, by rows
MANY = 3000
MAX_TRAINED_TOKENS = 48
_COUNTED_AT_ONCE = 1000  # texts; what the tokenizer gives takes 4 KB each
_BATCH = 80  # intents, two phrasings of each
_VISITS = 4.0
_BRIEF = 4 / 3  # so many times fewer visits, at so many times the rate


@dataclass(frozen=True)
class TrainingPlan:
    """What a fine-tuning will do, fixed before it starts: steps of `intents` x 2 phrasings."""

    steps: int
    intents: int
    learning_rate: float = LEARNING_RATE
    temperature: float = TEMPERATURE
    kept: float = KEPT_FEW

    @property
    def texts(self) -> int:
        """How many labelled texts all steps see."""
        return self.steps * self.intents * VIEWS_PER_INTENT

    def facts(self) -> dict[str, Any]:
        """For the manifest."""
        return asdict(self)


def plan_training(rows: int, intents: int, *, max_steps: int | None = None, brief: bool = False) -> TrainingPlan:
    """Steps, batch and learning rate by data size.

    Every row is visited about four times; the rate falls with the square root of the batch, which few intents make
    small. brief: three visits at a higher rate, for an encoder that only measures.
    """
    hurry = _BRIEF if brief else 1.0
    batch = min(intents, _BATCH)
    steps = max(10, round(_VISITS / hurry * rows / (batch * VIEWS_PER_INTENT)))
    rate = LEARNING_RATE * hurry * math.sqrt(batch / _BATCH)
    kept = KEPT_FEW if rows < MANY else KEPT_MANY
    return TrainingPlan(min(steps, max_steps) if max_steps else steps, batch, rate, kept=kept)


@dataclass(frozen=True)
class Lesson:
    """What every process of a fine-tuning needs to know of it."""

    texts: Sequence[str]
    intents: Sequence[int]
    plan: TrainingPlan
    seed: int


def fine_tune(
    model: "SentenceTransformer",
    texts: Sequence[str],
    *,
    intents: Sequence[int],
    plan: TrainingPlan,
    seed: int,
    progress: Progress,
    auxiliary_losses: "AuxiliaryLosses | None" = None,
    validation: "Validation | None" = None,
    places: Iterable[float] | None = None,
) -> int:
    """Train the model in place on normalised texts with their intents (numbers), as planned; the steps taken.

    All processes that torchrun started take part.

    auxiliary_losses: adds the gradients of rows of other kinds.
    validation: measures rows held aside on the way.
    places: the places in the plan's schedule at which a step is taken, from 0; None: all of them.
    """
    lesson = Lesson(texts, intents, plan, seed)
    with several_processes.led(lesson):
        told = several_processes.told(range(plan.steps) if places is None else places)
        return take_steps(
            model, lesson, told, progress=progress, auxiliary_losses=auxiliary_losses, validation=validation
        )


def take_steps(
    model: "SentenceTransformer",
    lesson: Lesson,
    places: Iterable[float],
    *,
    progress: Progress,
    auxiliary_losses: "AuxiliaryLosses | None" = None,
    validation: "Validation | None" = None,
) -> int:
    """The part of this process in a fine-tuning."""
    import torch

    plan = lesson.plan
    several_processes.share_weights(model)
    torch.manual_seed(several_processes.own_seed(lesson.seed))
    tuned = _trainable(model)
    weights = _Weights(model, plan.kept)
    optimizer = torch.optim.AdamW(tuned, lr=plan.learning_rate, weight_decay=WEIGHT_DECAY, fused=True)
    lengths = token_counts(model, lesson.texts)
    batches = Batches(lesson.texts, lesson.intents, lengths=lengths, at_once=plan.intents, seed=lesson.seed)
    taken = 0
    with masks_drawn_once(model):
        for place, batch in zip(places, batches, strict=False):
            _check(validation, model, int(place), weights)
            optimizer.param_groups[0]["lr"] = plan.learning_rate * _rate(place, plan.steps)
            optimizer.zero_grad()
            if auxiliary_losses is not None:
                auxiliary_losses.backward(int(place))
            labels = [lesson.intents[row] for row in batch]
            loss = _loss(
                _vectors(model, batches.chunks(batch, processes=several_processes.how_many())), labels, plan.temperature
            )
            if loss.requires_grad:  # a small batch may have fewer chunks than there are processes
                loss.backward()  # type: ignore[no-untyped-call]
            several_processes.sum_gradients(tuned)
            torch.nn.utils.clip_grad_norm_(tuned, 1.0)
            optimizer.step()
            taken += 1
            progress(int(place) + 1, plan.steps)
        _check(validation, model, plan.steps, weights)
    model.eval()
    weights.blend()
    return taken


def _check(validation: "Validation | None", model: "SentenceTransformer", step: int, weights: "_Weights") -> None:
    """Measure the weights as they would be kept, when it is time; the model goes on training."""
    if validation is not None and validation.due(step):
        with weights.blended():
            validation.check(model, step)
    model.train()


class _Weights:
    """The weights that training changes, and where they came from."""

    def __init__(self, model: "SentenceTransformer", kept: float) -> None:
        self._model = model
        self._kept = kept
        self._base = self._copy()

    @contextmanager
    def blended(self) -> Iterator[None]:
        """Within, the weights are moved back towards the base as they will be at the end."""
        raw = self._copy()
        self.blend()
        yield
        self._put(raw)

    def blend(self) -> None:
        """Move the weights back towards the base."""
        for name, value in self._tuned().items():
            value.lerp_(self._base[name], 1.0 - self._kept)

    def _tuned(self) -> "dict[str, torch.Tensor]":
        return {name: value.detach() for name, value in self._model.named_parameters() if value.requires_grad}

    def _copy(self) -> "dict[str, torch.Tensor]":
        return {name: value.clone() for name, value in self._tuned().items()}

    def _put(self, values: "Mapping[str, torch.Tensor]") -> None:
        self._model.load_state_dict(values, strict=False)


def _trainable(model: "SentenceTransformer") -> list["torch.nn.Parameter"]:
    """All weights but the embedding tables, which hold half of them and learn little from few rows."""
    import torch

    model.requires_grad_(True)
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.requires_grad_(False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _rate(step: float, steps: int) -> float:
    """Linear warm-up, then linear decay to zero, as a share of the learning rate."""
    warm = max(1, round(WARM_UP * steps))
    return min(1.0, (step + 1) / warm) if step < warm else max(0.0, (steps - step) / max(1, steps - warm))


def _vectors(model: "SentenceTransformer", chunks: Sequence[Sequence[str]]) -> "torch.Tensor":
    """Unit vectors [texts, dim] of all chunks; those that other processes encoded carry no gradients."""
    import torch

    with half_precision(model.device):
        own = [
            model(tokens(model, texts))["sentence_embedding"].float() if several_processes.is_own(number) else None
            for number, texts in enumerate(chunks)
        ]
    vectors = torch.cat(several_processes.exchanged(own, [len(texts) for texts in chunks], model.device))
    return torch.nn.functional.normalize(vectors[:, : model.truncate_dim], dim=-1)


def _loss(vectors: "torch.Tensor", labels: Sequence[int], temperature: float) -> "torch.Tensor":
    """Supervised contrastive loss of one batch."""
    import torch

    truth = torch.tensor(labels, device=vectors.device)
    own = torch.eye(len(truth), dtype=torch.bool, device=vectors.device)
    logits = (vectors @ vectors.T / temperature).masked_fill(own, -1e9)
    positive = (truth[:, None] == truth[None, :]) & ~own
    log_share = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    per_row = (log_share * positive).sum(dim=1) / positive.sum(dim=1).clamp(min=1)
    return -per_row.mean()


def half_precision(device: "torch.device") -> "torch.autocast":
    """bfloat16 matrix products where the processor has them; elsewhere they would be slower, so nothing changes."""
    import torch

    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported()
    else:
        able = torch.cpu.get_capabilities()
        native = device.type == "cpu" and bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=native)


def tokens(model: "SentenceTransformer", texts: Sequence[str]) -> dict[str, "torch.Tensor"]:
    """The model's inputs with its default prompt, padded to the longest text."""
    import torch

    found = _tokenized(model, texts, padding=True, return_tensors="pt")
    inputs = {name: value.to(model.device) for name, value in found.items()}
    if prompt_length := left_out_tokens(model):
        inputs["prompt_length"] = torch.full((len(texts),), prompt_length, device=model.device)
    return inputs


def token_counts(model: "SentenceTransformer", texts: Sequence[str]) -> list[int]:
    """How many tokens of each text are read."""
    portions = (texts[start : start + _COUNTED_AT_ONCE] for start in range(0, len(texts), _COUNTED_AT_ONCE))
    return [len(ids) for some in portions for ids in _tokenized(model, some)["input_ids"]]


def _tokenized(model: "SentenceTransformer", texts: Sequence[str], **options: Any) -> Mapping[str, Any]:
    prompt, most = default_prompt(model), MAX_TRAINED_TOKENS + left_out_tokens(model)
    found: Mapping[str, Any] = model.tokenizer(
        [prompt + text for text in texts], truncation=True, max_length=most, **options
    )
    return found
