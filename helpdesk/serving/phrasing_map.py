"""A map of the published phrasings: two dimensions of their vectors, and which entries lie among each other."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from helpdesk.matching.index import Vectors
from helpdesk.serving.live import Live

MOST_DRAWN = 2000  # phrasings; of more a sample is looked at
_BLOCK = 500


@dataclass(frozen=True)
class Point:
    """One phrasing: where it lies, from 0 to 1, and what it belongs to."""

    x: float
    y: float
    intent: str


@dataclass(frozen=True)
class Overlap:
    """Two entries, and how many of their phrasings are nearer to a phrasing of the other than to any of their own.

    similarity: the cosine of the two phrasings that are nearest to each other; share: of the two entries' phrasings.
    """

    intents: tuple[str, str]
    among: int
    phrasings: int
    similarity: float

    @property
    def share(self) -> float:
        return self.among / self.phrasings


@dataclass(frozen=True)
class PhrasingMap:
    """The points of some or all phrasings, the entries that overlap, most first, and how much of the vectors' variance
    the two dimensions show."""

    points: tuple[Point, ...]
    phrasings: int
    overlaps: tuple[Overlap, ...]
    shown: float

    @property
    def drawn(self) -> int:
        return len(self.points)


def map_phrasings(live: Live) -> PhrasingMap:
    """The phrasings of published entries that the version in service was built with; beyond 2,000 a sample of them."""
    bundle = live.matcher.bundle
    rows = [
        row
        for row, (number, key) in enumerate(zip(bundle.intent_of_row.tolist(), bundle.phrasing_ids, strict=True))
        if key.startswith("phrasing:") and bundle.intents[number] in live.faq
    ]
    chosen = sorted(random.Random(0).sample(rows, min(MOST_DRAWN, len(rows))))  # noqa: S311 - the same picture each time
    intents = [bundle.intents[bundle.intent_of_row[row]] for row in chosen]
    vectors = bundle.vectors[chosen]
    places, shown = _project(vectors)
    points = tuple(Point(float(x), float(y), intent) for (x, y), intent in zip(places, intents, strict=True))
    return PhrasingMap(points, len(rows), _overlaps(vectors, intents), shown)


def _project(vectors: Vectors) -> tuple[NDArray[np.float64], float]:
    """The first two principal components [n, 2], each from 0 to 1, and the share of the variance that they have."""
    if len(vectors) < 2:
        return np.full((len(vectors), 2), 0.5), 0.0
    centred = vectors.astype(np.float64) - vectors.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    places = centred @ axes[:, :-3:-1]
    places *= np.sign(places[np.abs(places).argmax(axis=0), range(places.shape[1])] + 1e-12)  # one side up, always
    if places.shape[1] < 2:
        places = np.column_stack([places, np.zeros(len(places))])
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / np.maximum(high - low, 1e-9), float(variances[-2:].sum() / max(variances.sum(), 1e-9))


def _overlaps(vectors: Vectors, intents: Sequence[str]) -> tuple[Overlap, ...]:
    """The pairs of entries of which some phrasing lies among the other's, those with the most first."""
    names = np.array(intents)
    among, nearest = Counter[tuple[str, str]](), dict[tuple[str, str], float]()
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK] @ vectors.T
        block[np.arange(len(block)), np.arange(start, start + len(block))] = -1.0
        same = names[start : start + _BLOCK, None] == names[None, :]
        own = np.where(same, block, -1.0).max(axis=1)
        others = np.where(same, -1.0, block)
        for row, place in enumerate(others.argmax(axis=1).tolist()):
            pair = _pair(intents[start + row], intents[place])
            nearest[pair] = max(nearest.get(pair, -1.0), float(others[row, place]))
            among[pair] += bool(others[row, place] > own[row] and pair[0] != pair[1])
    sizes: Mapping[str, int] = Counter(intents)
    found = [
        Overlap(pair, count, sizes[pair[0]] + sizes[pair[1]], nearest[pair]) for pair, count in among.items() if count
    ]
    return tuple(sorted(found, key=lambda one: (-one.share, -one.similarity, one.intents)))


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)
