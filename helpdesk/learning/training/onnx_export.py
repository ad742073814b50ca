"""A sentence-transformers model -> a folder that serves without torch: ONNX graph, tokenizer, a few facts."""

import json
import logging
import math
import os
import shutil
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from helpdesk.errors import BadInputError, BundleError
from helpdesk.learning.training.base_model import default_prompt, left_out_tokens
from helpdesk.matching.encoder import CONFIG, ENCODER_FILES, MODEL, TOKENIZER, WARMING, Encoder

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MAX_SERVED_TOKENS = 256
MIN_PARITY = 0.9999
MIN_INT8_PARITY = 0.995
INT8_BLOCK = 64  # from 128 on ONNX Runtime rounds differently in batches
_INT8_PRODUCT = "MatMulNBits"
_PARITY_TEXTS = ("hello", "i cannot log in", "my laptop is slow " * 30, "¿dónde está?")
_SHORT, _ROUNDS = "how long until my new card arrives", 30


def save_encoder(model: "SentenceTransformer", directory: Path, *, int8: bool | None = None) -> None:
    """Write the model in the sentence-transformers layout, with what serving needs beside it."""
    model.save_pretrained(str(directory), create_model_card=False)
    save_serving_files(model, directory, int8=int8)


def save_serving_files(model: "SentenceTransformer", directory: Path, *, int8: bool | None = None) -> None:
    """Write only what serving needs: ONNX graph, tokenizer and facts; then check that both give the same vectors.

    The graph holds the whole model: transformer, pooling, dense and normalising layers, and the cut to its
    `truncate_dim`, so that any architecture is served alike. Raises BundleError when a vector differs (cosine below
    0.9999), BadInputError when it fails on a text of as many tokens as it declares. With `int8` the weights are then
    rounded to 8 bits, where that keeps every vector (cosine 0.995 or more); None: where it is faster on this machine,
    too.
    """
    (directory / MODEL).parent.mkdir(parents=True, exist_ok=True)
    tokenizer = model.tokenizer
    if not getattr(tokenizer, "is_fast", False):
        raise BundleError(f"{type(tokenizer).__name__} has no fast version; expected a model with tokenizer.json")
    tokenizer.backend_tokenizer.save(str(directory / TOKENIZER))
    facts = {
        "dim": int(model.encode(["dim"]).shape[1]),
        "max_tokens": min(int(model.max_seq_length or MAX_SERVED_TOKENS), MAX_SERVED_TOKENS),
        "pad_id": int(tokenizer.pad_token_id or 0),
        "pad_token": str(tokenizer.pad_token or "[PAD]"),
        "prompt": default_prompt(model),
    }
    (directory / CONFIG).write_text(json.dumps(facts, indent=1, sort_keys=True))
    _export_graph(model, directory / MODEL)
    _require_long_texts(model, directory)
    expected = model.encode(list(_PARITY_TEXTS), normalize_embeddings=True)
    worst = _parity(expected, directory)
    if not worst >= MIN_PARITY:
        raise BundleError(f"the exported graph differs from the model: cosine {worst:.5f} at worst")
    if int8 is not False:
        _try_int8(expected, directory, always=int8 is True)


def is_int8(directory: Path) -> bool:
    """Whether the graph in an encoder folder has its weights in 8 bits."""
    import onnx

    nodes = onnx.load(str(directory / MODEL), load_external_data=False).graph.node
    return any(node.op_type == _INT8_PRODUCT for node in nodes)


def link_encoder(source: Path, directory: Path, *, apart: bool = False) -> None:
    """The same files under another folder, as hard links where the file system can; no file gets a third name, since
    one bad block would spoil all that share it. apart: copies of what serving reads, so that versions share nothing
    that they need to answer."""
    served = {source / name for name in ENCODER_FILES} if apart else set()

    def link(file: str, target: str) -> None:
        if Path(file) not in served and Path(file).stat().st_nlink == 1:
            with suppress(OSError):
                Path(target).hardlink_to(file)
                return
        shutil.copy2(file, target)

    shutil.copytree(source, directory, copy_function=link)


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


def _parity(expected: "np.typing.NDArray[np.float32]", directory: Path) -> float:
    """The worst cosine similarity between expected unit vectors of the parity texts and what the folder gives."""
    given = Encoder(directory).encode(list(_PARITY_TEXTS))
    return float(np.min(np.sum(expected * given, axis=1)))


def _try_int8(expected: "np.typing.NDArray[np.float32]", directory: Path, *, always: bool) -> None:
    """Put 8-bit weights in place of the graph's unless that loses parity or, but for `always`, time.

    Weights are rounded in blocks, activations row by row, so that a text's vector does not depend on its batch.
    """
    model, exact = directory / MODEL, directory / MODEL.with_suffix(".fp32")
    before = math.inf if always else _seconds(directory)
    os.replace(model, exact)
    _round_weights(exact, model)
    if _parity(expected, directory) >= MIN_INT8_PARITY and _seconds(directory) < before:
        exact.unlink()
    else:
        os.replace(exact, model)


def _round_weights(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import matmul_nbits_quantizer

    logging.getLogger(matmul_nbits_quantizer.__name__).setLevel(logging.WARNING)
    quantizer = matmul_nbits_quantizer.MatMulNBitsQuantizer(
        onnx.load(str(source)), bits=8, block_size=INT8_BLOCK, is_symmetric=True, accuracy_level=4
    )
    quantizer.process()
    quantizer.model.save_model_to_file(str(target), False)


def _seconds(directory: Path) -> float:
    """The least time one short text takes, the encoder in the folder on one thread."""
    encoder = Encoder(directory)
    times = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        encoder.encode([_SHORT])
        times.append(time.perf_counter() - started)
    return min(times)
