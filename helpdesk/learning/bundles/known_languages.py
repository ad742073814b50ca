"""In which languages messages are understood: measured for every bundle, so that it can say when one is in another."""

from collections.abc import Callable, Collection, Sequence

import numpy as np

from helpdesk.matching.languages import languages
from helpdesk.matching.networks import Vectors

_LEAST = 0.9  # of the sentences; an English encoder finds 7 of 10 in Dutch, which has many words of English


def known_languages(texts: Collection[str], encode: Callable[[Sequence[str]], Vectors]) -> list[str]:
    """Codes of the languages that normalised phrasings are written in, and of those that the encoder brings together
    with the most usual of them; empty when the phrasings are too short, or in a language that cannot be told."""
    told = languages()
    usual = told.usual(texts)
    if not usual:
        return []
    codes = list(told.by_code)
    sentences = [sentence for code in codes for sentence in told.by_code[code].sentences]
    vectors = np.array(np.split(encode(sentences), len(codes)))
    home = vectors[codes.index(usual[0])]
    understood = {code for code, theirs in zip(codes, vectors, strict=True) if _found(theirs, home) >= _LEAST}
    return sorted(understood.union(usual))


def _found(sentences: Vectors, home: Vectors) -> float:
    """The share of sentences [n, dim] that lie nearest to the same sentence in the other language [n, dim]."""
    return float(np.mean((sentences @ home.T).argmax(axis=1) == np.arange(len(home))))
