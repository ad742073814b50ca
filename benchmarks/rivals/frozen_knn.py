"""k nearest phrasings over the frozen encoder, votes weighted by cosine similarity. It has no seed.

k is the one that does best when each training row is decided by all others. Confidence is the nearest similarity.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from job import Decide, Job, carry_out
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer

NEIGHBOURS = (1, 3, 5, 10, 20)
BLOCK = 256
Vectors = NDArray[np.float32]
Found = list[tuple[str, float]]


def learn(job: Job) -> Decide:
    """Encode all rows, choose k."""
    torch.set_num_threads(job.threads)
    model = SentenceTransformer(job.model, device="cpu")
    intents = job.intents

    def encode(texts: Sequence[str]) -> Vectors:
        return np.asarray(model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False))

    vectors = encode(job.texts)
    k = best_k(vectors, intents)

    def decide(texts: Sequence[str]) -> list[tuple[str, float]]:
        found = (nearest(similarities, intents) for similarities in encode(texts) @ vectors.T)
        return [(vote(pairs[:k]), pairs[0][1]) for pairs in found]

    return decide


def best_k(vectors: Vectors, intents: Sequence[str]) -> int:
    """The number of neighbours that decides most rows rightly with that row left out; the smallest on a tie."""
    right = dict.fromkeys(NEIGHBOURS, 0)
    for start in range(0, len(vectors), BLOCK):
        for row, similarities in enumerate(vectors[start : start + BLOCK] @ vectors.T, start):
            similarities[row] = -1.0
            found = nearest(similarities, intents)
            for k in NEIGHBOURS:
                right[k] += vote(found[:k]) == intents[row]
    return max(NEIGHBOURS, key=right.__getitem__)


def nearest(similarities: Vectors, intents: Sequence[str]) -> Found:
    """(intent, similarity) of the nearest rows, best first."""
    count = min(max(NEIGHBOURS), len(similarities))
    rows = np.argpartition(-similarities, count - 1)[:count]
    rows = rows[np.argsort(-similarities[rows], kind="stable")]
    return [(intents[row], float(similarities[row])) for row in rows]


def vote(found: Iterable[tuple[str, float]]) -> str:
    """The intent with the largest sum of similarities."""
    votes: dict[str, float] = defaultdict(float)
    for intent, similarity in found:
        votes[intent] += similarity
    return max(votes, key=votes.__getitem__)


if __name__ == "__main__":
    carry_out(learn)
