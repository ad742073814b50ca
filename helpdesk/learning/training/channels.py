"""A sentence-transformers model -> weights in 8 bits by output channel, as CTranslate2 runs them."""

import logging
from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from helpdesk.learning.training.base_model import left_out_tokens
from helpdesk.matching.networks import CHANNELS, Pooling

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)
_ARCHITECTURES: Final = ("bert", "camembert", "distilbert", "roberta")
_POOLINGS: Final[tuple[Pooling, ...]] = ("mean", "cls")


def pooling_of(model: "SentenceTransformer") -> Pooling | None:
    """How the words of a text become its vector; None where that is more than a mean or the first word."""
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling

    if len(model) < 2 or not isinstance(model[1], Pooling) or left_out_tokens(model):
        return None
    if not all(isinstance(module, Normalize) for module in list(model)[2:]):
        return None
    mode = model[1].pooling_mode
    return mode if mode in _POOLINGS else None


def convert(model: "SentenceTransformer", folder: Path) -> bool:
    """Write a model's transformer into an encoder folder; whether CTranslate2 knows its architecture."""
    network: Any = model[0].auto_model
    if network.config.model_type not in _ARCHITECTURES or pooling_of(model) is None:
        return False
    try:
        _write(deepcopy(network).to("cpu"), model.tokenizer, folder / CHANNELS)  # which rounds what it is given
    except (AssertionError, AttributeError, KeyError, ValueError) as error:  # how it refuses a variant
        log.info("weights by channels are not for this model: %s: %s", type(error).__name__, error)
        return False
    return True


def _write(network: Any, tokenizer: Any, folder: Path) -> None:
    from ctranslate2.converters import TransformersConverter

    if not hasattr(network.config, "position_embedding_type"):
        network.config.position_embedding_type = "absolute"  # transformers 5 has no other and says it no more

    class Loaded(TransformersConverter):  # type: ignore[misc]
        """Converts what is in memory."""

        def load_model(self, *_: object, **__: object) -> Any:
            return network

        def load_tokenizer(self, *_: object, **__: object) -> Any:
            return tokenizer

    with TemporaryDirectory(prefix="helpdesk-channels-") as place:
        network.config.save_pretrained(place)
        Loaded(place).convert(str(folder), quantization="int8")
