"""Hard negatives: phrasings that look like an anchor but mean something else."""

from collections.abc import Sequence

import numpy as np

from helpdesk.learning.calibration.folds import Intents
from helpdesk.learning.data.dataset import TrainingExample
from helpdesk.matching.index import Vectors

RELATIVE_MARGIN = 0.05
_CHUNK = 512


def mine_triplets(
    triplets: Sequence[TrainingExample],
    anchors: Vectors,
    positives: Vectors,
    *,
    texts: Sequence[str],
    vectors: Vectors,
    intents: Intents,
) -> list[TrainingExample]:
    """For each triplet one more, whose negative is the phrasing most like its anchor that means something else.

    anchors and positives [triplets, dim], and the phrasings' vectors [n, dim] with their intents [n], all of unit
    length. Never a negative of the intent of the phrasing nearest to the anchor or to the positive, nor one that is
    more like the anchor than 95% of its positive (TopK-PercPos, Moreira et al. 2024, arXiv 2407.15831).
    """
    mined = []
    for start in range(0, len(triplets), _CHUNK):
        part = slice(start, start + _CHUNK)
        alike = anchors[part] @ vectors.T
        own = intents[alike.argmax(axis=1)], intents[(positives[part] @ vectors.T).argmax(axis=1)]
        limit = np.sum(anchors[part] * positives[part], axis=1) * (1.0 - RELATIVE_MARGIN)
        barred = (alike > limit[:, None]) | (intents == own[0][:, None]) | (intents == own[1][:, None])
        alike[barred] = -np.inf
        best = alike.argmax(axis=1)
        for example, row, similarity in zip(triplets[part], best, alike.max(axis=1), strict=True):
            if np.isfinite(similarity):
                mined.append(TrainingExample(f"mined:{example.id}", "triplet", (*example.texts[:2], texts[row])))
    return mined
