"""New topics: groups of similar messages without an answer, found without labels."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from helpdesk.matching.bundle import Bundle
from helpdesk.matching.index import Vectors
from helpdesk.records.traffic import TopicCount

CLUSTER_DISTANCE = 0.4
CLUSTER_TEXTS = 3
MOST_CLUSTERS = 10


def new_clusters(texts: Sequence[TopicCount], bundle: Bundle) -> list[dict[str, Any]]:
    """Groups of similar texts that were neither answered nor labelled, most messages first.

    Average-linkage clustering of unit vectors by cosine distance. Each has its three most typical messages, and the
    FAQ entry nearest to its middle.
    """
    if len(texts) < CLUSTER_TEXTS:
        return []
    vectors = bundle.encoder.encode([text.name for text in texts])
    groups = [members for members in _grouped(vectors) if len(members) >= CLUSTER_TEXTS]
    found = [_described([texts[i] for i in members], vectors[members], bundle) for members in groups]
    return sorted(found, key=lambda group: (-group["messages"], -group["texts"]))[:MOST_CLUSTERS]


def _grouped(vectors: Vectors) -> list[list[int]]:
    from sklearn.cluster import AgglomerativeClustering

    model = AgglomerativeClustering(
        n_clusters=None, metric="cosine", linkage="average", distance_threshold=CLUSTER_DISTANCE
    )
    groups: dict[int, list[int]] = {}
    for position, group in enumerate(model.fit_predict(vectors)):
        groups.setdefault(int(group), []).append(position)
    return list(groups.values())


def _described(texts: Sequence[TopicCount], vectors: Vectors, bundle: Bundle) -> dict[str, Any]:
    middle = vectors.mean(axis=0)
    middle /= np.linalg.norm(middle)
    typical = np.argsort(-(vectors @ middle), kind="stable")[:CLUSTER_TEXTS]
    nearest = bundle.index.search(middle, 1)
    return {
        "message_ids": [texts[i].message_id for i in typical],
        "texts": len(texts),
        "messages": sum(text.count for text in texts),
        "nearest": bundle.intents[bundle.intent_of_row[nearest.rows[0]]],
        "similarity": round(float(nearest.similarities[0]), 3),
    }
