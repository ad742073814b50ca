"""A sentence-transformers model -> a folder that serves without torch: network, tokenizer, a few facts."""

import json
import shutil
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from helpdesk.errors import BadInputError, BundleError
from helpdesk.learning.training.base_model import default_prompt, left_out_tokens
from helpdesk.learning.training.channels import pooling_of
from helpdesk.learning.training.rounding import PARITY_TEXTS, Rounding, parity, round_by_channels, round_encoder
from helpdesk.matching.encoder import CONFIG, TOKENIZER, WARMING, Encoder, encoder_files
from helpdesk.matching.networks import MODEL

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_SERVED_TOKENS = 256
MIN_PARITY = 0.9999


def save_encoder(model: "SentenceTransformer", directory: Path, *, rounding: Rounding = Rounding.NONE) -> None:
    """Write the model in the sentence-transformers layout, with what serving needs beside it."""
    model.save_pretrained(str(directory), create_model_card=False)
    save_serving_files(model, directory, rounding=rounding)


def save_serving_files(model: "SentenceTransformer", directory: Path, *, rounding: Rounding = Rounding.NONE) -> None:
    """Write only what serving needs: network, tokenizer and facts; then check that both give the same vectors.

    Weights by channels are written at once where CTranslate2 knows the architecture. Any other one is served as a
    graph, which holds the whole model: transformer, pooling, dense and normalising layers, and the cut to its
    `truncate_dim`. It is rounded as far as that keeps the vectors. Raises BundleError when a vector of the graph
    differs (cosine below 0.9999), BadInputError when a text of as many tokens as the model declares is too long for it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise BundleError(f"{type(tokenizer).__name__} has no fast version; expected a model with tokenizer.json")
    tokenizer.backend_tokenizer.save(str(directory / TOKENIZER))
    facts = {
        "dim": int(model.encode(["dim"]).shape[1]),
        "max_tokens": min(int(model.max_seq_length or MAX_SERVED_TOKENS), MAX_SERVED_TOKENS),
        "prompt": default_prompt(model),
        "pooling": pooling_of(model),
    }
    (directory / CONFIG).write_text(json.dumps(facts, indent=1, sort_keys=True))
    expected = model.encode(list(PARITY_TEXTS), normalize_embeddings=True)
    if rounding is Rounding.CHANNELS and round_by_channels(model, directory, expected):
        _require_long_texts(model, directory)
        return
    _export_graph(model, directory / MODEL)
    _require_long_texts(model, directory)
    worst = parity(expected, directory)
    if not worst >= MIN_PARITY:
        raise BundleError(f"the exported graph differs from the model: cosine {worst:.5f} at worst")
    if rounding is Rounding.BLOCKS:
        round_encoder(model, directory, rounding)


def link_encoder(source: Path, directory: Path, *, apart: bool = False) -> None:
    """The same files under another folder, as hard links where the file system can; no file gets a third name, since
    one bad block would spoil all that share it. apart: copies of what serving reads, so that versions share nothing
    that they need to answer."""
    served = set(encoder_files(source)) if apart else set()

    def link(file: str, target: str) -> None:
        if Path(file) not in served and Path(file).stat().st_nlink == 1:
            with suppress(OSError):
                Path(target).hardlink_to(file)
                return
        shutil.copy2(file, target)

    shutil.copytree(source, directory, copy_function=link)


def _export_graph(model: "SentenceTransformer", path: Path) -> None:
    import torch

    path.parent.mkdir(exist_ok=True)
    device = model.device
    model.to("cpu").eval()
    transformer: Any = model[0]
    transformer.auto_model.set_attn_implementation("eager")
    example = model.preprocess(["an example", "another one, a little longer"])
    names = [name for name in ("input_ids", "attention_mask", "token_type_ids") if name in example]
    axes = {name: {0: "batch", 1: "tokens"} for name in names} | {"vector": {0: "batch"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _graph_module(model, names),
            tuple(example[name] for name in names),
            str(path),
            input_names=names,
            output_names=["vector"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )
    model.to(device)


def _graph_module(model: "SentenceTransformer", names: Sequence[str]) -> Any:
    import torch

    prompt_length = left_out_tokens(model)

    class Graph(torch.nn.Module):
        """Token ids -> unit vectors, positional inputs for the exporter."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            """[batch, tokens] each -> [batch, dim]."""
            features: dict[str, Any] = dict(zip(names, inputs, strict=True))
            if prompt_length:
                features["prompt_length"] = prompt_length
            vectors = self.model(features)["sentence_embedding"]
            return torch.nn.functional.normalize(vectors[..., : model.truncate_dim], dim=-1)

    return Graph()


def _require_long_texts(model: "SentenceTransformer", directory: Path) -> None:
    """What a worker runs when it opens a bundle must run when it is built."""
    try:
        Encoder(directory).encode(WARMING)
    except BundleError:
        raise
    except Exception as error:
        declared = model.max_seq_length or MAX_SERVED_TOKENS
        raise BadInputError(
            f"HELPDESK_BASE_MODEL: the model declares {declared} tokens, and fails on a text that is as long; set "
            "max_seq_length in its sentence_bert_config.json to what it reads"
        ) from error
