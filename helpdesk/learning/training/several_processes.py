"""Fine-tuning by all processes that torchrun started, on several GPUs or several machines.

All have the same weights and draw the same batches. Each encodes its chunks of a batch and gets the vectors of the
others, so every text is compared with the whole batch; each takes the gradient through its own chunks, and the sum of
these is the gradient of the batch. (DistributedDataParallel would average the losses of parts of a batch.) The first
process runs the night, the others follow it. In a process that is alone every function here does nothing.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from helpdesk.errors import BadInputError, UnavailableError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

_PATIENCE = timedelta(days=1)  # between two trainings the first process measures, however long that takes
_END = -1.0


def follows() -> bool:
    """Whether torchrun started this process to follow another one."""
    return _in_a_group() and int(os.environ["RANK"]) > 0


def require_no_group() -> None:
    """Raise BadInputError in one of several processes of torchrun: they cannot meet for one home after another."""
    if _in_a_group():
        raise BadInputError("torchrun is for the night of one home: expected `helpdesk retrain` with its HELPDESK_HOME")


@contextmanager
def joined() -> Iterator[None]:
    """Within, this process is one of those that torchrun started, if it did. At the end the others are let go."""
    if not _in_a_group():
        yield
        return
    import torch
    from torch import distributed

    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    with _together():
        distributed.init_process_group(timeout=_PATIENCE)
    try:
        yield
        if _rank() == 0:
            _offer(None)
    finally:
        _leave()


@contextmanager
def led(lesson: Any) -> Iterator[None]:
    """Within, the others train on the lesson too. When that fails here they are left, since nobody could tell them
    at which point of a step."""
    _offer(lesson)
    try:
        yield
    except BaseException:
        _leave()
        raise


def next_lesson() -> Any:
    """What the first process trains next; None when it has finished."""
    from torch import distributed

    received = [None]
    with _together():
        distributed.broadcast_object_list(received)
    return received[0]


def told(places: Iterable[float]) -> Iterator[float]:
    """The same places, told to the others one by one."""
    for place in places:
        _tell(place)
        yield place
    _tell(_END)


def received_places() -> Iterator[float]:
    """The places of the steps that the first process takes, until it takes no more."""
    while (place := _tell(_END)) != _END:
        yield place


def own_seed(seed: int) -> int:
    """Another one in each process, for what is drawn in each by itself: dropout."""
    return seed + _rank()


def share_weights(model: "SentenceTransformer") -> None:
    """Give all the weights of the first. Raises BadInputError in each process when they do not have the same model."""
    if how_many() == 1:
        return
    _require_same(model)
    for value in model.state_dict().values():
        _broadcast(value, 0)


def _require_same(model: "SentenceTransformer") -> None:
    """The same modules, shapes and tokenizer: with others they would wait for each other, or learn nonsense."""
    from torch import distributed

    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    told = repr((str(model), shapes, sorted(model.tokenizer.get_vocab().items())))
    all_told = [""] * how_many()
    with _together():
        distributed.all_gather_object(all_told, hashlib.sha256(told.encode()).hexdigest())
    others = [str(rank) for rank, one in enumerate(all_told) if one != all_told[0]]
    if others:
        raise BadInputError(
            f"HELPDESK_BASE_MODEL: process {', '.join(others)} of torchrun has another model than process 0; expected "
            "the same on every machine"
        )


def _in_a_group() -> bool:
    return "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_own(chunk: int) -> bool:
    """Whether this process encodes the chunk of that number."""
    return chunk % how_many() == _rank()


def exchanged(
    parts: "Sequence[torch.Tensor | None]", rows: Sequence[int], device: "torch.device"
) -> "list[torch.Tensor]":
    """The vectors of all chunks, [rows, dim] each, given the own ones; only those carry gradients."""
    import torch

    if how_many() == 1:
        return [part for part in parts if part is not None]
    own = next((part for part in parts if part is not None), None)
    width = torch.tensor(0 if own is None else own.shape[1])
    _broadcast(width, 0)
    whole = [
        torch.empty(count, int(width), device=device) if part is None else part
        for part, count in zip(parts, rows, strict=True)
    ]
    for number, part in enumerate(whole):
        _broadcast(part.detach(), number % how_many())
    return whole


def sum_gradients(parameters: "Sequence[torch.nn.Parameter]") -> None:
    """Make each gradient the sum of those of all processes."""
    import torch
    from torch import distributed

    if how_many() == 1:
        return
    given = [torch.zeros_like(one) if one.grad is None else one.grad for one in parameters]
    flat = torch.cat([gradient.reshape(-1) for gradient in given])
    with _together():
        distributed.all_reduce(flat)
    parts = torch.split(flat, [gradient.numel() for gradient in given])
    for one, part in zip(parameters, parts, strict=True):
        one.grad = part.view_as(one)


def _offer(lesson: Any) -> None:
    from torch import distributed

    if how_many() > 1:
        with _together():
            distributed.broadcast_object_list([lesson])


def _tell(place: float) -> float:
    import torch

    if how_many() == 1:
        return place
    said = torch.tensor(place, dtype=torch.float64)
    _broadcast(said, 0)
    return float(said)


def _broadcast(tensor: "torch.Tensor", source: int) -> None:
    from torch import distributed

    with _together():
        distributed.broadcast(tensor, source)


@contextmanager
def _together() -> Iterator[None]:
    """What a library says of a process that is gone, as an error of ours."""
    try:
        yield
    except RuntimeError as error:
        raise UnavailableError(f"the other processes of torchrun do not answer: {error}") from error


def how_many() -> int:
    """The processes that train together, 1 for one that is alone."""
    from torch import distributed

    return distributed.get_world_size() if distributed.is_initialized() else 1


def _rank() -> int:
    from torch import distributed

    return distributed.get_rank() if distributed.is_initialized() else 0


def _leave() -> None:
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()
