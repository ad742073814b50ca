"""Bundles that still know something that was erased: vectors, keys, words. They are found by the keys of its texts."""

from collections.abc import Collection
from pathlib import Path

import numpy as np

from helpdesk.learning.calibration.embedding_cache import CACHE_FOLDER
from helpdesk.matching import bundle as layout

_NO_TEXTS = frozenset({"tokenizer.json", "tokenizer_config.json", "vocab.json", "special_tokens_map.json"})


def holds_traces(bundle: Path, traces: Collection[str]) -> bool:
    """Whether a bundle was built from a text with one of these keys, or from one of these rows (`label:7`)."""
    if not traces:
        return False
    for path in bundle.rglob("*.json"):
        if path.name not in _NO_TEXTS:
            text = path.read_text(encoding="utf-8")
            if any(f'"{trace}"' in text for trace in traces):
                return True
    for path in (bundle / CACHE_FOLDER).glob("*.npz"):
        with np.load(path, allow_pickle=False) as stored:
            if not set(traces).isdisjoint(stored["keys"].tolist()):
                return True
    return False


def bundles_with_traces(bundles: Path, traces: Collection[str]) -> set[str]:
    """The names of the folders of published bundles that hold traces."""
    folders = [path for path in bundles.glob("[!.]*") if (path / layout.PHRASINGS).is_file()]
    return {path.name for path in folders if holds_traces(path, traces)}
