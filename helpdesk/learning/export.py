"""A sentence-transformers model -> a folder that serves without torch: ONNX graph, tokenizer, a few facts."""

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpdesk.errors import BundleError
from helpdesk.matching.encoder import CONFIG, MODEL, TOKENIZER, Encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_TOKENS = 256
MIN_PARITY = 0.9999
_PARITY_TEXTS = ("hello", "i cannot log in", "my laptop is slow " * 30, "¿dónde está?")


def save_encoder(model: "SentenceTransformer", directory: Path) -> None:
    """Write the model in the sentence-transformers layout, with what serving needs beside it."""
    model.save_pretrained(str(directory), create_model_card=False)
    save_serving_files(model, directory)


def save_serving_files(model: "SentenceTransformer", directory: Path) -> None:
    """Write only what serving needs: ONNX graph, tokenizer and facts; then check that both give the same vectors.

    The graph holds the whole model: transformer, pooling, dense and normalising layers, so that any architecture
    is served alike. Raises BundleError when a vector differs (cosine below 0.9999).
    """
    (directory / MODEL).parent.mkdir(parents=True, exist_ok=True)
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise BundleError(f"{type(tokenizer).__name__} has no fast version; expected a model with tokenizer.json")
    tokenizer.backend_tokenizer.save(str(directory / TOKENIZER))
    facts = {
        "dim": int(model.encode(["dim"]).shape[1]),
        "max_tokens": min(int(model.max_seq_length or MAX_TOKENS), MAX_TOKENS),
        "pad_id": int(tokenizer.pad_token_id or 0),
        "pad_token": str(tokenizer.pad_token or "[PAD]"),
        "prompt": (model.prompts or {}).get(model.default_prompt_name or "", ""),
    }
    (directory / CONFIG).write_text(json.dumps(facts, indent=1, sort_keys=True))
    _export_graph(model, directory / MODEL)
    _check_parity(model, directory)


def link_encoder(source: Path, directory: Path) -> None:
    """The same files under another folder, as hard links where the file system can."""
    shutil.copytree(source, directory, copy_function=_link)


def _link(source: str, target: str) -> None:
    try:
        Path(target).hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def _export_graph(model: "SentenceTransformer", path: Path) -> None:
    import torch

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

    class Graph(torch.nn.Module):
        """Token ids -> unit vectors, positional inputs for the exporter."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
            """[batch, tokens] each -> [batch, dim]."""
            vectors = self.model(dict(zip(names, inputs, strict=True)))["sentence_embedding"]
            return torch.nn.functional.normalize(vectors, dim=-1)

    return Graph()


def _check_parity(model: "SentenceTransformer", directory: Path) -> None:
    expected = model.encode(list(_PARITY_TEXTS), normalize_embeddings=True)
    given = Encoder(directory).encode(list(_PARITY_TEXTS))
    worst = float(np.min(np.sum(expected * given, axis=1)))
    if not worst >= MIN_PARITY:
        raise BundleError(f"the exported graph differs from the model: cosine {worst:.5f} at worst")
