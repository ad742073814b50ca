"""What fine-tuning learns beside the labels: pairs and triplets, each kind with the loss the field uses for it.

positive    MultipleNegativesRankingLoss (van den Oord et al. 2018, arXiv 1807.03748; Henderson et al. 2017, 1705.00652)
scored      CoSENTLoss: a pair with a higher score shall be more alike than one with a lower
similar     OnlineContrastiveLoss (Hadsell et al. 2006), on the hard pairs of a batch
triplet     TripletLoss (Schroff et al. 2015, arXiv 1503.03832), on cosine distance

Their batches join the steps of the label-aware recipe: at most one in two, with a gradient at most half as long as
the labels' may be, so that labels dominate whatever the scale of a loss.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.learning.training.finetune import tokens

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

AUXILIARY_KINDS: Final = ("positive", "scored", "similar", "triplet")
AUXILIARY_BATCH = 16
SHARE = 0.5  # of the label steps, at most, that carry another batch
TRIPLET_MARGIN = 0.2
MAX_AUXILIARY_NORM = 0.5  # norm of an auxiliary gradient; that of the labels is clipped at 1
_TEXTS = {"positive": 2, "scored": 2, "similar": 2, "triplet": 3}


def schedule(counts: Mapping[str, int], *, steps: int, visits: float) -> dict[int, str]:
    """Step -> kind of the batch that joins it: every kind's rows as often as a label's (`visits`), spread evenly.

    Never more than SHARE of the steps; then each kind keeps its proportion, and at least one batch where there is room.
    """
    wanted = {kind: counts[kind] * visits / AUXILIARY_BATCH for kind in AUXILIARY_KINDS if counts.get(kind)}
    room = int(SHARE * steps)
    scale = min(1.0, room / max(1e-9, sum(max(1.0, number) for number in wanted.values())))
    batches = {kind: max(1, round(number * scale)) for kind, number in wanted.items()}
    turns = sorted(((turn + 0.5) / number, kind) for kind, number in batches.items() for turn in range(number))[:room]
    return {int((place + 0.5) * steps / len(turns)): kind for place, (_, kind) in enumerate(turns)}


def texts_in(planned: Mapping[int, str]) -> int:
    """How many texts the batches of a schedule hold."""
    return sum(AUXILIARY_BATCH * _TEXTS[kind] for kind in planned.values())


class AuxiliaryLosses:
    """The auxiliary batches of one training and their losses; seeded, so that the same rows give the same batches."""

    def __init__(
        self,
        model: "SentenceTransformer",
        examples: Mapping[str, Sequence[TrainingExample]],
        *,
        planned: Mapping[int, str],
        same: Mapping[str, str],
        seed: int,
    ) -> None:
        """`same`: text -> the group of texts that mean the same, which are never each other's negatives."""
        self._model = model
        self._examples = examples
        self._planned = planned
        self._same = same
        self._chance = np.random.default_rng(seed)
        self._losses = {kind: _loss_of(kind, model) for kind in set(planned.values())}

    def backward(self, step: int) -> None:
        """Put the gradient of the batch that joins this step, when one does, where there is none yet."""
        import torch

        kind = self._planned.get(step)
        if kind is None:
            return
        batch = self._draw(kind)
        columns = [tokens(self._model, texts) for texts in zip(*(example.texts for example in batch), strict=True)]
        values = torch.tensor([example.value or 0.0 for example in batch], device=self._model.device)
        self._losses[kind](columns, values).backward()
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), MAX_AUXILIARY_NORM)

    def _draw(self, kind: str) -> list[TrainingExample]:
        """Up to AUXILIARY_BATCH random examples; of positive pairs only one of each group of texts that mean the
        same.
        """
        examples = self._examples[kind]
        order = self._chance.permutation(len(examples)).tolist()
        if kind != "positive":
            return [examples[row] for row in order[:AUXILIARY_BATCH]]
        chosen: dict[str, TrainingExample] = {}
        for row in order:
            chosen.setdefault(self._same[examples[row].texts[0]], examples[row])
            if len(chosen) == AUXILIARY_BATCH:
                break
        return list(chosen.values())


def meaning_groups(examples: Sequence[TrainingExample], known: Mapping[str, int]) -> dict[str, str]:
    """Text -> the name of its group: texts joined by positive pairs, or known to have the same intent."""
    from scipy.cluster.hierarchy import DisjointSet

    groups = DisjointSet(text for example in examples for text in example.texts)
    first_of: dict[int, str] = {}
    for example in examples:
        groups.merge(*example.texts)
        for text in example.texts:
            if text in known:
                groups.merge(text, first_of.setdefault(known[text], text))
    return {text: groups[text] for text in groups}


def _loss_of(kind: str, model: "SentenceTransformer") -> Any:
    from sentence_transformers.sentence_transformer import losses

    if kind == "positive":
        return losses.MultipleNegativesRankingLoss(model)
    if kind == "scored":
        return losses.CoSENTLoss(model)
    if kind == "similar":
        return losses.OnlineContrastiveLoss(model)
    cosine = losses.TripletDistanceMetric.COSINE
    return losses.TripletLoss(model, distance_metric=cosine, triplet_margin=TRIPLET_MARGIN)
